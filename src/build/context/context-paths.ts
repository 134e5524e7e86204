import type { Dockerfile } from "../dockerfile/parse-dockerfile.ts";
import { treePath } from "../filesystem/source-tree.ts";
import { dependenciesOf } from "../stage-graph.ts";

/**
 * What of the build context the instructions of a stage, and of those that it is built from, can name: paths, perhaps with wildcards. undefined
 * where that is all of it or cannot be told from the text. Triggers of base images are not in it.
 */
export function contextPaths(dockerfile: Dockerfile, target: number): string[] | undefined {
  const stages = new Set([target]);
  for (const index of stages) for (const dependency of dependenciesOf(dockerfile, index)) stages.add(dependency);
  const sources = [...stages].flatMap((index) =>
    dockerfile.stages[index]!.instructions.flatMap((instruction) => {
      if (instruction.keyword === "COPY" || instruction.keyword === "ADD") {
        if (instruction.from !== undefined) return [];
        return instruction.sources.filter((source) => !/^(https?:\/\/|git@|git:\/\/|ssh:\/\/)/.test(source));
      }
      if (instruction.keyword !== "RUN") return [];
      return instruction.mounts.flatMap((mount) => {
        const options = mount.split(",");
        const value = (name: string) => options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
        return (value("type") ?? "bind") === "bind" && value("from") === undefined ? [value("source") ?? value("src") ?? "/"] : [];
      });
    }),
  );
  const paths = new Set(sources.map(treePath));
  return paths.has("") || sources.some((source) => /[$\\"']/.test(source)) ? undefined : [...paths].sort();
}
