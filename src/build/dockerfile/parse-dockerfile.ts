import { BerthError } from "../../system/index.ts";
import type { Directives } from "./directives.ts";
import { dockerfileError } from "./dockerfile-error.ts";
import type { Instruction, InstructionOf } from "./instruction.ts";
import { type DockerfileLines, dockerfileLines, type InstructionLine } from "./lines.ts";
import { parseInstruction } from "./parse-instruction.ts";

export interface Dockerfile {
  readonly file: string;
  readonly directives: Directives;
  /** ARG instructions before the first FROM. */
  readonly globalArgs: readonly InstructionOf<"ARG">[];
  readonly stages: readonly Stage[];
  readonly lines: readonly InstructionLine[];
  readonly emptyContinuations: readonly number[];
  readonly source: readonly string[];
}

export interface Stage {
  readonly index: number;
  readonly from: InstructionOf<"FROM">;
  readonly instructions: readonly Instruction[];
}

/** Parses a whole Dockerfile: anything wrong on the last line is found before the first step runs. Throws BerthError `build/dockerfile`. */
export function parseDockerfile(content: string, file: string): Dockerfile {
  if (content.trim() === "") throw new BerthError("build/dockerfile", "the Dockerfile cannot be empty", { place: { file } });
  const lines = dockerfileLines(content, file);
  checkSyntaxImage(lines, file);
  const globalArgs: InstructionOf<"ARG">[] = [];
  const stages: { index: number; from: InstructionOf<"FROM">; instructions: Instruction[] }[] = [];
  for (const line of lines.instructions) {
    const instruction = parseInstruction(line, lines.directives.escape, file);
    const stage = stages.at(-1);
    if (instruction.keyword === "FROM") stages.push({ index: stages.length, from: instruction, instructions: [] });
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.keyword === "ARG") globalArgs.push(instruction);
    else
      throw dockerfileError(
        { file, line: instruction.line },
        "no build stage in current context",
        "The first instruction other than ARG is FROM.",
        "build/instruction",
      );
  }
  if (stages.length === 0) throw new BerthError("build/dockerfile", "dockerfile contains no stages to build", { place: { file } });
  return {
    file,
    directives: lines.directives,
    globalArgs,
    stages,
    lines: lines.instructions,
    emptyContinuations: lines.emptyContinuations,
    source: lines.source,
  };
}

/** `# syntax=docker/dockerfile:1...` names the language that this room speaks; any other front end is refused by name. */
function checkSyntaxImage(lines: DockerfileLines, file: string): void {
  const syntax = lines.directives.syntax?.split(/\s/)[0];
  if (!syntax || /^(docker\.io\/)?(docker|docker-staging|moby)?\/?(dockerfile|dockerfile-upstream)(:[^@]*)?(@.*)?$/.test(syntax)) return;
  throw dockerfileError(
    { file, line: 1 },
    `the front end "${syntax}" of the syntax directive is not supported`,
    "Use docker/dockerfile:1, or leave the line out.",
    "build/unsupported",
  );
}
