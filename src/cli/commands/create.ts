import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { loadedProject } from "../project-source.ts";
import { requireServices } from "../service-names.ts";
import { type CreateFlags, projectPut } from "./up.ts";

/** `berth create`: what `up` makes, and starts nothing. */
export async function create(cli: Invocation, services: readonly string[], flags: CreateFlags): Promise<void> {
  if (flags.forceRecreate && flags.recreate === false) throw usageError("--force-recreate and --no-recreate are incompatible");
  const project = await loadedProject(cli, services);
  requireServices(project, services);
  requireServices(project, Object.keys(flags.scale ?? {}));
  const body = await projectPut(cli, project, services, { ...flags, start: false });
  await changeProject(cli, { method: "PUT", project: project.name, body }, { ...flags, title: "Creating" });
}
