import type { Dockerfile } from "./dockerfile/parse-dockerfile.ts";

/** The stage that a name or a number means, among those before `before`; the last of several with one name. */
export function stageNamed(dockerfile: Dockerfile, name: string, before: number): number | undefined {
  const earlier = dockerfile.stages.slice(0, before);
  const named = earlier.findLast((stage) => stage.from.alias === name.toLowerCase());
  if (named) return named.index;
  return /^\d+$/.test(name) && Number(name) < before ? Number(name) : undefined;
}

/** The stages that one stage reads from: its base, COPY --from and RUN --mount=from. Only these are ever built for it. */
export function dependenciesOf(dockerfile: Dockerfile, index: number): number[] {
  const stage = dockerfile.stages[index]!;
  const names = [
    stage.from.base,
    ...stage.instructions.flatMap((instruction) => {
      if (instruction.keyword === "COPY" && instruction.from !== undefined) return [instruction.from];
      if (instruction.keyword === "RUN") return instruction.mounts.flatMap((mount) => /(?:^|,)from=([^,]+)/.exec(mount)?.[1] ?? []);
      return [];
    }),
  ];
  return [...new Set(names.flatMap((name) => stageNamed(dockerfile, name, index) ?? []))];
}
