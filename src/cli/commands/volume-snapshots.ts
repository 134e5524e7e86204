import type { SnapshotRequest, VolumeSnapshot } from "../../api/index.ts";
import { humanDuration } from "../../api/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { projectName } from "../project-name.ts";
import { columns } from "../render/columns.ts";

/** `berth volume snapshot [NAME]`: what uses the volumes is stopped for the moment of the copy. */
export async function snapshot(cli: Invocation, [name]: readonly string[], flags: { readonly volume?: readonly string[] }): Promise<void> {
  if (cli.globals.dryRun) throw usageError("snapshots have no dry run", "`berth volume ls-snapshots` shows what there is.");
  const body: SnapshotRequest = { ...(name === undefined ? {} : { name }), volumes: [...(flags.volume ?? [])] };
  await changeProject(cli, { method: "POST", project: projectName(cli), action: "snapshots", body }, { title: "Copying" });
}

/** `berth volume restore [NAME]`: the newest where none is named. What was written since is gone. */
export async function restore(cli: Invocation, [name]: readonly string[]): Promise<void> {
  if (cli.globals.dryRun) throw usageError("snapshots have no dry run", "`berth volume ls-snapshots` shows what there is.");
  const body: SnapshotRequest = name === undefined ? {} : { name };
  await changeProject(cli, { method: "POST", project: projectName(cli), action: "snapshots/restore", body }, { title: "Restoring" });
}

export async function listSnapshots(
  cli: Invocation,
  _args: readonly string[],
  flags: { readonly format: "table" | "json"; readonly quiet?: boolean },
): Promise<void> {
  const path = `/projects/${encodeURIComponent(projectName(cli))}/snapshots`;
  const all = await (await cli.engine()).json<VolumeSnapshot[]>("GET", path, { signal: cli.signal });
  if (flags.quiet) for (const one of all) cli.print(one.name);
  else if (flags.format === "json") for (const one of all) cli.print(JSON.stringify(one));
  else {
    const rows = all.map(({ name, createdAt, volumes }) => [
      name,
      `${humanDuration(Date.now() - Date.parse(createdAt))} ago`,
      volumes.map((volume) => volume.name).join(", "),
    ]);
    cli.print(columns([["SNAPSHOT", "CREATED", "VOLUMES"], ...rows]));
  }
}

export async function removeSnapshots(cli: Invocation, names: readonly string[]): Promise<void> {
  if (cli.globals.dryRun) throw usageError("snapshots have no dry run", "`berth volume ls-snapshots` shows what there is.");
  const client = await cli.engine();
  for (const name of names) {
    const path = `/projects/${encodeURIComponent(projectName(cli))}/snapshots/${encodeURIComponent(name)}`;
    await client.json("DELETE", path, { signal: cli.signal });
    cli.print(name);
  }
}
