import type { Project, ProjectTransfer } from "../api/index.ts";
import type { Invocation } from "./invocation.ts";

/** What this user stored for the registries of the project's images. */
export async function registryAuth(
  _cli: Pick<Invocation, "env" | "signal">,
  _project: Project,
): Promise<NonNullable<ProjectTransfer["auth"]>> {
  return {};
}
