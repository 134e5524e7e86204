import { type Invocation, usageError } from "../invocation.ts";
import { type ContainerRow, composeLabel } from "../project-containers.ts";
import { columns } from "../render/columns.ts";

export interface LsOptions {
  readonly all?: boolean;
  readonly filter?: readonly string[];
  readonly format: "table" | "json";
  readonly quiet?: boolean;
}

/** `berth ls`: the projects that have containers, from their labels; without -a only those that run something. */
export async function ls(cli: Invocation, _args: readonly string[], options: LsOptions): Promise<void> {
  const names = (options.filter ?? []).map((text) => {
    if (!text.startsWith("name=")) throw usageError(`invalid --filter "${text}"`, "It is name=PATTERN.");
    return pattern(text.slice("name=".length));
  });
  const client = await cli.engine();
  const rows = await client.json<ContainerRow[]>("GET", "/containers/json", {
    query: { all: options.all === true, filters: JSON.stringify({ label: [composeLabel("project")] }) },
    signal: cli.signal,
  });
  const projects = projectRows(rows).filter((row) => names.every((name) => name.test(row.Name)));
  if (options.quiet) for (const row of projects) cli.print(row.Name);
  else if (options.format === "json") cli.print(JSON.stringify(projects));
  else
    cli.print(
      columns([["NAME", "STATUS", "CONFIG FILES"], ...projects.map((row) => [row.Name, row.Status, row.ConfigFiles])], { least: 20 }),
    );
}

/** One row a project, sorted by name: "running(2)", "exited(1), running(1)". */
export function projectRows(rows: readonly ContainerRow[]): { Name: string; Status: string; ConfigFiles: string }[] {
  const projects = new Map<string, ContainerRow[]>();
  for (const row of rows) {
    const name = row.Labels[composeLabel("project")] ?? "";
    projects.set(name, [...(projects.get(name) ?? []), row]);
  }
  return [...projects]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([Name, containers]) => {
      const counts = new Map<string, number>();
      for (const { State } of containers) counts.set(State, (counts.get(State) ?? 0) + 1);
      const files = new Set(containers.flatMap((row) => row.Labels[composeLabel("project.config_files")]?.split(",") ?? []));
      return {
        Name,
        Status: [...counts]
          .sort()
          .map(([state, count]) => `${state}(${count})`)
          .join(", "),
        ConfigFiles: files.size > 0 ? [...files].join(",") : "N/A",
      };
    });
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw usageError(`"${text}" is not a pattern`);
  }
}
