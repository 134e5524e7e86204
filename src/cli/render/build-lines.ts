import { type BuildState, type BuildStep, lastLines, transferText } from "./build-state.ts";
import { type Paint, seconds } from "./paint.ts";
import { printable } from "./printable.ts";
import { justify } from "./screen.ts";

const tailOfRunning = 6;

/**
 * The steps of builds on a terminal, as BuildKit shows them: "[+] Building 3.2s (4/9)", a line for each step that began, the tail of the
 * output of those that run. Where they are more than `height`, the oldest that are done give way.
 */
export function buildLines(
  state: BuildState,
  o: { nowMs: number; width: number; height: number; paint: Paint; finished?: boolean },
): string[] {
  const steps = state.steps.filter((step) => step.startedMs !== undefined || step.completedMs !== undefined);
  if (steps.length === 0) return [];
  const endMs = state.running ? o.nowMs : Math.max(...steps.map((step) => step.completedMs ?? 0));
  const count = `(${state.completed.length}/${state.steps.length})`;
  const head = `[+] Building ${seconds(endMs - (state.startedMs ?? endMs))} ${count}${o.finished ? " FINISHED" : ""}`;
  const ordered = [...steps].sort((a, b) => a.number - b.number);
  const blocks = ordered.map((step) => ({ done: step.completedMs !== undefined, lines: stepLines(step, o) }));
  let lineCount = blocks.reduce((sum, block) => sum + block.lines.length, 1);
  for (const block of blocks) {
    if (lineCount <= o.height) break;
    if (!block.done) continue;
    lineCount -= block.lines.length;
    block.lines = [];
  }
  // Still too many: what runs keeps its first line only.
  for (const block of blocks) {
    if (lineCount <= o.height) break;
    lineCount -= Math.max(0, block.lines.length - 1);
    block.lines = block.lines.slice(0, 1);
  }
  return [state.running ? head : o.paint.blue(head), ...blocks.flatMap((block) => block.lines)].slice(0, Math.max(1, o.height));
}

function stepLines(step: BuildStep, o: { nowMs: number; width: number; paint: Paint }): string[] {
  const time = seconds((step.completedMs ?? o.nowMs) - (step.startedMs ?? step.completedMs ?? o.nowMs));
  const text = ` => ${step.error === undefined ? (step.cached ? "CACHED " : "") : "ERROR "}${printable(step.name)} `;
  const color = step.error !== undefined ? o.paint.red : step.completedMs !== undefined ? o.paint.blue : (plain: string) => plain;
  const line = color(justify(text, time, o.width - 1));
  if (step.completedMs !== undefined) return [line];
  const transfer = transferText(step);
  return [
    line,
    ...(transfer ? [` => => ${transfer}`] : []),
    ...lastLines(step, tailOfRunning).map((output) => o.paint.dim(` => => # ${printable(output)}`)),
  ];
}

/** What is said once a build has failed: the step, and the last lines of its output. */
export function failedBuildLines(state: BuildState, lineCount = 20): string[] {
  return state.steps
    .filter((step) => step.error !== undefined && step.tail.length > 0)
    .flatMap((step) => ["------", ` > ${printable(step.name)}:`, ...lastLines(step, lineCount).map(printable), "------"]);
}

/** The warnings of builds, one line each: "web/Dockerfile:3: SecretsUsedInArgOrEnv: ...". */
export function buildWarningLines(state: BuildState): string[] {
  return state.warnings.map(({ message, rule, place }) =>
    [place, rule, message]
      .filter((part) => part !== undefined && part !== "")
      .map((part) => printable(part ?? ""))
      .join(": "),
  );
}
