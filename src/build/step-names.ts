import { parseHeredocWord } from "./dockerfile/heredoc.ts";
import type { Instruction } from "./dockerfile/instruction.ts";
import type { Dockerfile, Stage } from "./dockerfile/parse-dockerfile.ts";
import { expandShown } from "./dockerfile/word-expansion.ts";
import { stageNamed } from "./stage-graph.ts";
import type { StageState } from "./stage-state.ts";

/** Numbers the steps of one stage as BuildKit shows them, `[web 2/7] RUN make` (prefixCommand of frontend/dockerfile/dockerfile2llb). */
export class StepNames {
  readonly #stage: string;
  readonly #escapeChar: string;
  #total: number;
  #number = 0;

  /** `hasBase`: a FROM is a step where it is no other stage and not scratch. */
  constructor(dockerfile: Dockerfile, stage: Stage, hasBase: boolean) {
    this.#stage = stageLabel(dockerfile, stage);
    this.#escapeChar = dockerfile.directives.escape;
    this.#total = stage.instructions.filter(isStep).length + (hasBase ? 1 : 0);
  }

  base(name: string): string {
    return `${this.#prefix()}FROM ${name}`;
  }

  /** A base's triggers come after its own step is named; all of them count. */
  addTriggers(count: number): void {
    this.#total += count;
  }

  /** `state`: before the instruction; its variables are shown by their values. */
  step(instruction: Instruction, state: StageState, isTrigger: boolean): string {
    const [line = ""] = instruction.original.trim().split("\n");
    const isRun = instruction.keyword === "RUN";
    const summary =
      isRun && "shell" in instruction.command && !/\s/.test(instruction.command.shell) && parseHeredocWord(instruction.command.shell);
    const text = summary && isRun ? `${line} (${heredocSummary(instruction.heredocs[0]?.raw ?? "")})` : line;
    const secrets = isRun ? secretVariables(instruction.mounts) : new Set<string>();
    const shown = expandShown(text, (name) => (secrets.has(name) ? "****" : state.scope.get(name)), {
      escapeChar: this.#escapeChar,
      keepQuotes: isRun,
    });
    return `${this.#prefix()}${isTrigger ? "ONBUILD " : ""}${shown.replace(/^\S+/, (keyword) => keyword.toUpperCase())}`;
  }

  #prefix(): string {
    this.#number++;
    const number = String(this.#number).padStart(String(this.#total).length);
    return `[${this.#stage && `${this.#stage} `}${number}/${this.#total}] `;
  }
}

/** Instructions that are shown as a step because they make a layer. */
export function isStep(instruction: Instruction): boolean {
  return ["RUN", "COPY", "ADD", "WORKDIR"].includes(instruction.keyword);
}

/** A stage has a label where it is not the only source of files: a mount counts as one, whatever its type. */
function stageLabel(dockerfile: Dockerfile, stage: Stage): string {
  const others = dockerfile.stages.some(({ instructions }) =>
    instructions.some(
      (instruction) =>
        (instruction.keyword === "RUN" && instruction.mounts.length > 0) ||
        (instruction.keyword === "COPY" &&
          instruction.from !== undefined &&
          stageNamed(dockerfile, instruction.from, dockerfile.stages.length) === undefined),
    ),
  );
  return dockerfile.stages.length > 1 || others ? (stage.from.alias ?? `stage-${stage.index}`) : "";
}

function heredocSummary(content: string): string {
  const [first = "", ...more] = content.trim().split(/\r?\n/);
  return first + (more.length > 0 ? "..." : "");
}

/** What a secret puts into the environment is shown as stars. */
function secretVariables(mounts: readonly string[]): Set<string> {
  return new Set(
    mounts.filter((mount) => /(^|,)type=secret(,|$)/.test(mount)).flatMap((mount) => /(?:^|,)env=([^,]+)/.exec(mount)?.[1] ?? []),
  );
}
