import type { DownOptions } from "../../api/index.ts";
import type { Invocation } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { namedProject } from "../project-source.ts";
import { requireServices } from "../service-names.ts";

export interface DownFlags {
  readonly removeOrphans?: boolean;
  readonly rmi?: "local" | "all";
  /** Seconds. */
  readonly timeout?: number;
  readonly volumes?: boolean;
}

/** `berth down`: stops and removes what belongs to the project; with the name alone, what its labels say belongs to it. */
export async function down(cli: Invocation, services: readonly string[], flags: DownFlags): Promise<void> {
  const { name, project } = await namedProject(cli);
  if (project) requireServices(project, services);
  const body: DownOptions = {
    services: [...services],
    ...(project ? { project } : {}),
    ...(flags.volumes ? { volumes: true } : {}),
    ...(flags.rmi ? { images: flags.rmi } : {}),
    ...(flags.removeOrphans || !project ? { removeOrphans: true } : {}),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
    ...(cli.globals.dryRun ? { dryRun: true } : {}),
  };
  await changeProject(cli, { method: "DELETE", project: name, body });
}
