import type { Project } from "../api/index.ts";
import { BerthError } from "../system/error.ts";
import { nearest } from "./nearest.ts";

/** @throws BerthError cli/no-such-service with the name that may have been meant, and all there are */
export function requireServices(project: Pick<Project, "name" | "services">, names: readonly string[]): void {
  const known = Object.keys(project.services);
  for (const name of names) if (!known.includes(name)) throw noSuchService(name, known, project.name);
}

export function noSuchService(name: string, known: readonly string[], project: string): BerthError {
  const meant = nearest(name, known);
  const all = known.length > 0 ? `Project ${project} has: ${[...known].sort().join(", ")}.` : `Project ${project} has no services.`;
  return new BerthError("cli/no-such-service", `no such service: ${name}`, { hint: meant ? `Did you mean "${meant}"? ${all}` : all });
}
