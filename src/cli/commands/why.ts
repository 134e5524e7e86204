import type { Container, ProjectDefinition, ProjectStatus } from "../../api/index.ts";
import { BerthError } from "../../system/error.ts";
import { containerLines } from "../container-lines.ts";
import { explainContainer } from "../explain-container.ts";
import type { Invocation } from "../invocation.ts";
import { type ContainerRow, projectContainers, serviceOf } from "../project-containers.ts";
import { namedProject } from "../project-source.ts";
import { printable } from "../render/printable.ts";
import { noSuchService } from "../service-names.ts";

const logLines = "8";

/** `berth why SERVICE`: its containers' state, what it waits for, and the last of what it printed. */
export async function why(cli: Invocation, [service = ""]: readonly string[]): Promise<void> {
  const client = await cli.engine();
  const { name, project } = await namedProject(cli);
  const [running, statuses, rows] = await Promise.all([
    client.json<ProjectDefinition>("GET", `/projects/${encodeURIComponent(name)}/definition`, { signal: cli.signal }).catch(absent),
    client.json<ProjectStatus[]>("GET", "/projects", { signal: cli.signal }),
    projectContainers(client, { project: name, all: true, oneOff: false, services: [], signal: cli.signal }),
  ]);
  const own = rows.filter((row) => serviceOf(row) === service);
  const known = [...new Set([...Object.keys(project?.services ?? {}), ...Object.keys(running?.services ?? {}), ...rows.map(serviceOf)])];
  if (!known.includes(service)) throw noSuchService(service, known, name);
  const entry = running?.services[service];
  if (own.length === 0)
    cli.print(`${service} has no container: ${entry ? "it is not made yet" : "it was not asked for (`berth up` does)"}.`);
  for (const row of own) {
    const container = await client.json<Container>("GET", `/containers/${row.Id}/json`, { signal: cli.signal });
    for (const line of explainContainer(container, Date.now())) cli.print(printable(line));
  }
  if (entry && !entry.start) cli.print("It is to stay stopped: a `stop` or `--no-start` was asked for.");
  const status = statuses.find((one) => one.name === name);
  for (const hold of status?.holds ?? []) if (hold.on.includes(service)) cli.print(`${hold.on} waits for ${hold.waitsFor}.`);
  const definition = entry?.definition ?? project?.services[service];
  for (const [dependency, { condition }] of Object.entries(definition?.depends_on ?? {}))
    cli.print(`It depends on ${dependency} (${condition.replaceAll("_", " ")}), which is ${stateOf(rows, dependency)}.`);
  if (status?.lastError) cli.print(printable(`The last change of the project failed: ${status.lastError.message}`));
  await showOutput(cli, own);
}

function absent(error: unknown): undefined {
  if (error instanceof BerthError && error.code === "project/not-found") return undefined;
  throw error;
}

function stateOf(rows: readonly ContainerRow[], service: string): string {
  const own = rows.filter((row) => serviceOf(row) === service);
  return own.length === 0 ? "not there" : own.map((row) => row.Status || row.State).join(", ");
}

async function showOutput(cli: Invocation, rows: readonly ContainerRow[]): Promise<void> {
  for (const row of rows) {
    const lines: string[] = [];
    for await (const line of containerLines(await cli.engine(), row.Id, { tail: logLines, timestamps: false }, cli.signal))
      lines.push(line);
    if (lines.length === 0) continue;
    cli.print("The last of its output:");
    for (const line of lines) cli.print(`  | ${printable(line)}`);
  }
}
