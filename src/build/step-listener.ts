import type { Dockerfile } from "./dockerfile/parse-dockerfile.ts";
import { dependenciesOf } from "./stage-graph.ts";

/**
 * The instructions of one build, for a client that is shown all of them in the Dockerfile's order, those that make no layer too. A step is known by the
 * line that it begins on. The triggers of a base image belong to the FROM.
 */
export interface StepListener {
  /** Once, before the first step: all that this build will do. */
  planned(steps: readonly PlannedStep[]): void;
  /** `vertex` is the one of BuildEvents that the step's output has. */
  began(line: number, vertex?: string): void;
  /** Whether the result of a step that makes a layer was there already. */
  looked(vertex: string, found: boolean): void;
  /** `imageId`: what the image up to here would be called. */
  done(line: number, imageId: string): void;
}

export interface PlannedStep {
  readonly line: number;
  /** -1: an ARG before the first stage. */
  readonly stage: number;
  readonly text: string;
  readonly makesLayer: boolean;
}

/** The global ARGs and every stage that `target` needs. */
export function plannedSteps(dockerfile: Dockerfile, target: number): PlannedStep[] {
  const needed = new Set<number>();
  const need = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    for (const dependency of dependenciesOf(dockerfile, index)) need(dependency);
  };
  need(target);
  const step = (stage: number, { line, original, keyword }: { line: number; original: string; keyword: string }): PlannedStep => ({
    line,
    stage,
    text: original.split("\n", 1)[0] ?? "",
    makesLayer: ["RUN", "COPY", "ADD", "WORKDIR"].includes(keyword),
  });
  return [
    ...dockerfile.globalArgs.map((arg) => step(-1, arg)),
    ...dockerfile.stages
      .filter((stage) => needed.has(stage.index))
      .flatMap((stage) => [step(stage.index, stage.from), ...stage.instructions.map((instruction) => step(stage.index, instruction))]),
  ];
}
