import type { DownOptions } from "../../api/index.ts";
import type { Invocation } from "../invocation.ts";
import { usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { projectContainers } from "../project-containers.ts";
import { namedProject } from "../project-source.ts";

/**
 * `berth wait`: until the containers of these services have ended; says each exit code, and exits with the last one. With --down-project
 * the first end takes the project down.
 */
export async function wait(cli: Invocation, services: readonly string[], flags: { readonly downProject?: boolean }): Promise<number> {
  const target = await namedProject(cli, services);
  const client = await cli.engine();
  const rows = await projectContainers(client, { project: target.name, all: true, oneOff: false, services, signal: cli.signal });
  if (rows.length === 0) throw usageError(`no containers for project "${target.name}"`);
  if (cli.globals.dryRun) {
    for (const row of rows) cli.print(`would wait for container "${row.Id}"`);
    return 0;
  }
  const ends = rows.map(async (row) => {
    const { StatusCode } = await client.json<{ StatusCode: number }>("POST", `/containers/${row.Id}/wait`, { signal: cli.signal });
    cli.print(`container "${row.Id}" exited with status code ${StatusCode}`);
    return StatusCode;
  });
  let last = 0;
  const told = ends.map(async (end) => {
    last = await end;
  });
  if (!flags.downProject) {
    await Promise.all(told);
    return last;
  }
  await Promise.race(told);
  const code = last;
  const rest = Promise.allSettled(told);
  const body: DownOptions = target.project ? { project: target.project } : { removeOrphans: true };
  await changeProject(cli, { method: "DELETE", project: target.name, body });
  await rest;
  return code;
}
