import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { copyFromContainer, copyToContainer } from "../copy/container-copy.ts";
import { parseCopyArgument } from "../copy/copy-paths.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { type ContainerRow, nameOf, numberOf, projectContainers } from "../project-containers.ts";
import { projectName } from "../project-name.ts";

export interface CpFlags {
  readonly all?: boolean;
  readonly archive?: boolean;
  readonly followLink?: boolean;
  readonly index?: number;
}

/** `berth cp`: out of one container of a service, or into all of them (into the one with --index). */
export async function cp(cli: Invocation, args: readonly string[], flags: CpFlags): Promise<void> {
  const [source, destination] = [parseCopyArgument(args[0] ?? ""), parseCopyArgument(args[1] ?? "")];
  if (source.service !== undefined && destination.service !== undefined) throw usageError("copying between services is not supported");
  const service = source.service ?? destination.service;
  if (service === undefined) throw usageError("one of the two must be SERVICE:PATH");
  const client = await cli.engine();
  const rows = await containers(cli, service, flags);
  const outward = source.service !== undefined;
  const targets = outward ? rows.slice(0, 1) : rows;
  const options = { archiveMode: flags.archive === true, followLinks: flags.followLink === true };
  await using spool = source.path === "-" && targets.length > 1 && !cli.globals.dryRun ? await spooled(cli.stdin) : undefined;
  for (const row of targets) {
    const context = spool ? { ...cli, stdin: createReadStream(spool.path) } : cli;
    const name = nameOf(row);
    const what = outward ? `${name}:${source.path} to ${destination.path}` : `${source.path} to ${name}:${destination.path}`;
    if (cli.globals.dryRun) {
      cli.print(`would copy ${what}`);
      continue;
    }
    const quiet = destination.path === "-" || cli.globals.progress === "quiet";
    if (!quiet) cli.stderr.write(` ${name} copy ${what} Copying\n`);
    if (outward) await copyFromContainer(client, row.Id, source.path, destination.path, cli, options);
    else await copyToContainer(client, row.Id, source.path, destination.path, context, options);
    if (!quiet) cli.stderr.write(` ${name} copy ${what} Copied\n`);
  }
}

/** What comes in once, in a file, for all who want to read it. */
async function spooled(input: Readable): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await mkdtemp(join(tmpdir(), "berth-cp-"));
  const path = join(directory, "stdin.tar");
  await pipeline(input, createWriteStream(path));
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

async function containers(cli: Invocation, service: string, flags: CpFlags): Promise<ContainerRow[]> {
  const found = await projectContainers(await cli.engine(), {
    project: projectName(cli),
    all: true,
    oneOff: flags.all === true,
    services: [service],
    signal: cli.signal,
  });
  const rows = found.filter((row) => flags.index === undefined || numberOf(row) === flags.index).sort((a, b) => numberOf(a) - numberOf(b));
  if (rows.length === 0)
    throw usageError(
      flags.index === undefined
        ? `service "${service}" has no containers`
        : `service "${service}" has no container with index ${flags.index}`,
    );
  return rows;
}
