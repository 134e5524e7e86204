import { scales } from "../grammar/options.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { loadedProject } from "../project-source.ts";
import { requireServices } from "../service-names.ts";
import { projectPut } from "./up.ts";

/** `berth scale web=3 worker=2`: `up` of these services with so many containers. */
export async function scale(cli: Invocation, args: readonly string[], flags: { readonly deps?: boolean }): Promise<void> {
  if (args.length === 0) throw usageError("scale takes at least one SERVICE=NUMBER");
  const wanted = args.reduce<Record<string, number>>((all, text) => scales(text, all), {});
  const project = await loadedProject(cli, Object.keys(wanted));
  requireServices(project, Object.keys(wanted));
  const body = await projectPut(cli, project, Object.keys(wanted), { scale: wanted, ...(flags.deps === false ? { deps: false } : {}) });
  await changeProject(cli, { method: "PUT", project: project.name, body });
}
