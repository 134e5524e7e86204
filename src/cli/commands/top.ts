import type { Invocation } from "../invocation.ts";
import { composeLabel, nameOf, numberOf, projectContainers, serviceOf } from "../project-containers.ts";
import { projectName } from "../project-name.ts";
import { columns } from "../render/columns.ts";

/** `berth top`: the processes of all running containers in one table, service and number in front, as Compose prints it. */
export async function top(cli: Invocation, services: readonly string[]): Promise<void> {
  const client = await cli.engine();
  const rows = await projectContainers(client, { project: projectName(cli), all: false, oneOff: true, services, signal: cli.signal });
  const answers = await Promise.all(
    rows.map(async (row) => {
      const answer = await client.json<ProcessTable>("GET", `/containers/${row.Id}/top`, { signal: cli.signal });
      const number = numberOf(row) > 0 ? String(numberOf(row)) : nameOf(row);
      return {
        titles: answer.Titles,
        lines: answer.Processes.map((process) => [serviceOf(row) || row.Labels[composeLabel("project")] || "", number, ...process]),
      };
    }),
  );
  const [first] = answers;
  if (first) cli.print(columns([["SERVICE", "#", ...first.titles], ...answers.flatMap((answer) => answer.lines)], { least: 4, gap: 2 }));
}

interface ProcessTable {
  readonly Titles: readonly string[];
  readonly Processes: readonly (readonly string[])[];
}
