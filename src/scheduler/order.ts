import toposort from "toposort";
import { BerthError } from "../system/index.ts";

/**
 * Names in dependency order, dependencies first. toposort's own error names one node, so the cycle is walked here and printed whole.
 * @throws BerthError scheduler/cycle
 */
export function dependencyOrder(dependencies: ReadonlyMap<string, readonly string[]>): string[] {
  const names = [...dependencies.keys()];
  const edges = names.flatMap((name) =>
    (dependencies.get(name) ?? []).filter((other) => dependencies.has(other)).map((other) => [name, other] as [string, string]),
  );
  try {
    return toposort.array(names, edges).reverse();
  } catch (error) {
    const cycle = findCycle(dependencies);
    if (!cycle) throw error;
    throw new BerthError("scheduler/cycle", `dependency cycle: ${cycle.join(" -> ")}`, {
      hint: "Remove one of these depends_on entries.",
      cause: error,
    });
  }
}

/** The first cycle found, its first node repeated at the end; undefined where there is none. */
export function findCycle(dependencies: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | undefined => {
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    if (done.has(name)) return undefined;
    for (const next of dependencies.get(name) ?? []) {
      const cycle = dependencies.has(next) ? walk(next, [...path, name]) : undefined;
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of dependencies.keys()) {
    const cycle = walk(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}
