import type { Service } from "../../api/project.ts";
import { didYouMean } from "../suggestion.ts";
import { type Checked, placeIn } from "./checked.ts";

/** Dependencies on services that are not there or not active, and circles of them. */
export function checkDependencies(checked: Checked): void {
  const { disabled } = checked;
  const { services } = checked.project;
  for (const service of Object.values(services)) {
    for (const [name, dependency] of Object.entries(service.depends_on ?? {})) {
      if (services[name] || (disabled[name] && !dependency.required)) continue;
      const where = placeIn(checked, ["services", service.name, "depends_on", name]);
      const profiles = disabled[name]?.profiles;
      if (profiles) {
        const hint = `Activate it with --profile ${profiles[0]}, or set required: false.`;
        checked.problems.error("spec/undefined", `the service "${name}" is in no active profile`, where, hint);
      } else {
        checked.problems.error(
          "spec/undefined",
          `there is no service "${name}"`,
          where,
          didYouMean(name, Object.keys(services), "This project has"),
        );
      }
    }
  }
  const cycle = dependencyCycle(services);
  if (!cycle) return;
  const [first = "", second = ""] = cycle;
  checked.problems.error(
    "spec/cycle",
    `services wait for each other: ${cycle.join(" -> ")}`,
    placeIn(checked, ["services", first, "depends_on", second]),
  );
}

/** A circle of dependencies, its first service at both ends; the same one for the same project. */
function dependencyCycle(services: Readonly<Record<string, Service>>): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    if (done.has(name)) return undefined;
    for (const next of Object.keys(services[name]?.depends_on ?? {}).sort()) {
      const cycle = visit(next, [...path, name]);
      if (cycle) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(services).sort()) {
    const cycle = visit(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}
