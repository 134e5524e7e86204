import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Invocation, usageError } from "../invocation.ts";
import { nameOf } from "../project-containers.ts";
import { serviceContainer } from "../service-container.ts";

/** `berth export`: the file system of a service's container as a tar. */
export async function exportContainer(
  cli: Invocation,
  args: readonly string[],
  flags: { readonly index?: number; readonly output?: string },
): Promise<void> {
  if (flags.output === undefined && cli.stdout.isTTY)
    throw usageError("an archive is not written to a terminal", "Give a file with -o, or redirect stdout.");
  const client = await cli.engine();
  const row = await serviceContainer(cli, client, args[0] ?? "", flags.index);
  if (cli.globals.dryRun) {
    cli.print(`would export ${nameOf(row)} to ${flags.output ?? "stdout"}`);
    return;
  }
  const body = await client.stream("GET", `/containers/${row.Id}/export`, { signal: cli.signal });
  if (flags.output === undefined) await pipeline(body, cli.stdout, { end: false });
  else await pipeline(body, createWriteStream(resolve(cli.cwd, flags.output)));
}
