import type { ProjectAction } from "../../api/index.ts";
import { confirmed } from "../confirm.ts";
import type { Invocation } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { nameOf, projectContainers, serviceOf } from "../project-containers.ts";
import { namedProject } from "../project-source.ts";
import { requireServices } from "../service-names.ts";
import { printDryRun } from "./service-action.ts";

export interface RmFlags {
  readonly force?: boolean;
  readonly stop?: boolean;
  readonly volumes?: boolean;
}

/** `berth rm`: removes containers that have stopped (with -s, stops them first), after asking. */
export async function rm(cli: Invocation, services: readonly string[], flags: RmFlags): Promise<void> {
  const target = await namedProject(cli, services);
  if (target.project) requireServices(target.project, services);
  const project = target.project ? { project: target.project } : {};
  if (flags.stop && !cli.globals.dryRun) {
    const body: ProjectAction = { services: [...services], ...project };
    await changeProject(cli, { method: "POST", project: target.name, action: "stop", body }, { title: "Stopping" });
  }
  const rows = await projectContainers(await cli.engine(), {
    project: target.name,
    all: true,
    oneOff: false,
    services: [],
    signal: cli.signal,
  });
  const names = rows
    // What the file does not have is an orphan, and stays.
    .filter((row) =>
      services.length > 0 ? services.includes(serviceOf(row)) : !target.project || serviceOf(row) in target.project.services,
    )
    .filter((row) => ["created", "exited", "dead"].includes(row.State))
    .map(nameOf);
  if (names.length === 0) {
    cli.stderr.write("No stopped containers\n");
    return;
  }
  if (cli.globals.dryRun) return printDryRun(cli, target, "remove", services);
  cli.print(`Going to remove ${names.join(", ")}`);
  if (!flags.force && !(await confirmed(cli, "Are you sure? [yN] "))) return;
  const body: ProjectAction = { services: [...services], ...(flags.volumes ? { volumes: true } : {}), ...project };
  await changeProject(cli, { method: "POST", project: target.name, action: "rm", body }, { title: "Removing" });
}
