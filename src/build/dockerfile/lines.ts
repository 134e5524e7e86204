import { type Directives, parseDirectives } from "./directives.ts";
import { dockerfileError } from "./dockerfile-error.ts";
import { splitInstruction } from "./flags.ts";
import { type Heredoc, heredocsOf } from "./heredoc.ts";

/** One instruction as it stands in the file: continuation lines joined, comments dropped, nothing expanded. */
export interface InstructionLine {
  readonly keyword: string;
  /** `--name` or `--name=value`, as written. */
  readonly flags: readonly string[];
  /** What follows the flags, trimmed. */
  readonly text: string;
  /** The whole joined line, for history and messages. */
  readonly original: string;
  readonly heredocs: readonly Heredoc[];
  readonly line: number;
  readonly endLine: number;
}

export interface DockerfileLines {
  readonly directives: Directives;
  readonly instructions: readonly InstructionLine[];
  /** Last lines of the continued instructions that have an empty line in them. */
  readonly emptyContinuations: readonly number[];
  readonly source: readonly string[];
}

/** Cuts a Dockerfile into instructions (frontend/dockerfile/parser of BuildKit). Throws BerthError `build/dockerfile`. */
export function dockerfileLines(content: string, file: string): DockerfileLines {
  const source = content
    .replace(/^\uFEFF/, "")
    .split("\n")
    .map((line) => line.replace(/\r$/, ""));
  if (source.at(-1) === "") source.pop();
  const directives = parseDirectives(source, file);
  const esc = directives.escape === "`" ? "`" : "\\\\";
  const continuation = new RegExp(`(^|[^${esc}])${esc}[ \\t]*$`);
  const instructions: InstructionLine[] = [];
  const emptyContinuations: number[] = [];

  for (let at = 0; at < source.length; at++) {
    const first = source[at]!.trimStart();
    if (first === "" || first.startsWith("#")) continue;
    const line = at + 1;
    let joined = first;
    let hasEmpty = false;
    while (continuation.test(joined)) {
      joined = joined.replace(continuation, "$1");
      let next: string | undefined;
      while (++at < source.length) {
        const candidate = source[at]!;
        if (candidate.trimStart().startsWith("#")) continue;
        if (candidate.trim() === "") {
          hasEmpty = true;
          continue;
        }
        next = candidate;
        break;
      }
      if (next === undefined) break;
      joined += next;
    }
    if (hasEmpty) emptyContinuations.push(Math.min(at + 1, source.length));
    const { keyword, flags, text } = splitInstruction(joined, directives.escape);
    const heredocs = heredocsOf(keyword, text, directives.escape).map((opening) => {
      const body: string[] = [];
      const raw: string[] = [];
      const start = at + 1;
      for (;;) {
        const next = source[++at];
        if (next === undefined)
          throw dockerfileError({ file, line: start }, "unterminated heredoc", `There is no line "${opening.name}".`, "build/instruction");
        const content = opening.chomp ? next.replace(/^\t+/, "") : next;
        if (content === opening.name) break;
        body.push(`${content}\n`);
        raw.push(`${next}\n`);
      }
      return { ...opening, content: body.join(""), raw: raw.join("") };
    });
    instructions.push({ keyword, flags, text, original: joined.trim(), heredocs, line, endLine: Math.min(at + 1, source.length) });
  }
  if (instructions.length === 0) throw dockerfileError({ file, line: 1 }, "file with no instructions", undefined, "build/instruction");
  return { directives, instructions, emptyContinuations, source };
}
