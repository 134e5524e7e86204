import { lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, posix, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { EngineClient } from "../client/index.ts";
import { EngineError } from "../client/index.ts";
import type { CliContext } from "../context.ts";
import { usageError } from "../invocation.ts";
import { packPath, unpackInto } from "./archive.ts";
import { containerPath, copyPlan, type PathInfo } from "./copy-paths.ts";

export interface CopyOptions {
  /** Owners go with the files. */
  readonly archiveMode: boolean;
  readonly followLinks: boolean;
}

type Context = Pick<CliContext, "cwd" | "stdin" | "stdout" | "signal">;

/** Go's os.FileMode bits in X-Docker-Container-Path-Stat. */
const directoryBit = 2 ** 31;
const linkBit = 2 ** 27;

/** Copies out of a container, to a path or to stdout ("-": the tar itself). */
export async function copyFromContainer(
  client: EngineClient,
  id: string,
  source: string,
  destination: string,
  context: Context,
  o: CopyOptions,
): Promise<void> {
  let path = containerPath(source);
  const link = o.followLinks ? await statInContainer(client, id, path) : undefined;
  if (link?.linkTarget) path = posix.resolve(posix.dirname(path), link.linkTarget);
  const answer = await client.request("GET", `/containers/${id}/archive`, { query: { path }, signal: context.signal });
  if (destination === "-") return pipeline(answer.body, context.stdout, { end: false });
  const stat = parseStat(answer.headers["x-docker-container-path-stat"]);
  if (!stat) throw usageError(`${source}: the engine says nothing about it`);
  const local = resolve(context.cwd, destination) + (/\/\.?$/.test(destination) ? "/" : "");
  const plan = copyPlan(path, stat, local, localInfo(local, true));
  if (plan.makeDirectory) mkdirSync(plan.directory);
  if (!localInfo(plan.directory, true)?.isDirectory) throw usageError(`no such directory: ${plan.directory}`);
  if (plan.from === plan.to) return unpackInto(answer.body, plan.directory, o);
  const beside = mkdtempSync(join(plan.directory, ".berth-cp-"));
  try {
    await unpackInto(answer.body, beside, o);
    renameSync(join(beside, plan.from), join(plan.directory, plan.to));
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

/** Copies a path, or the tar on stdin ("-"), into a container. */
export async function copyToContainer(
  client: EngineClient,
  id: string,
  source: string,
  destination: string,
  context: Context,
  o: CopyOptions,
): Promise<void> {
  let path = containerPath(destination);
  let there = await statInContainer(client, id, path);
  if (there?.linkTarget) {
    path = posix.resolve(posix.dirname(path), there.linkTarget);
    there = await statInContainer(client, id, path);
  }
  const put = (directory: string, body: CliContext["stdin"]) =>
    client.json("PUT", `/containers/${id}/archive`, {
      query: { path: directory, noOverwriteDirNonDir: true, copyUIDGID: o.archiveMode },
      body,
      signal: context.signal,
    });
  if (source === "-") {
    if (!there?.isDirectory) throw usageError(`destination "${destination}" must be a directory`);
    await put(path, context.stdin);
    return;
  }
  const local = resolve(context.cwd, source) + (/(^|\/)\.$/.test(source) ? "/." : "");
  const info = localInfo(local, o.followLinks);
  if (!info) throw usageError(`no such file or directory: ${resolve(context.cwd, source)}`);
  if (source.endsWith("/") && !info.isDirectory) throw usageError(`not a directory: ${source}`);
  const plan = copyPlan(local, info, path, there);
  const from = plan.from === "." ? resolve(local) : dirname(local.replace(/\/+$/, ""));
  if (!plan.makeDirectory) {
    await put(plan.directory, packPath(from, plan.from, plan.to, o));
    return;
  }
  // The contents of a directory, into one that is not there: the directory itself, under its new name.
  const whole = resolve(local);
  await put(posix.dirname(plan.directory), packPath(dirname(whole), basename(whole), posix.basename(plan.directory), o));
}

interface ContainerStat extends PathInfo {
  readonly linkTarget: string;
}

async function statInContainer(client: EngineClient, id: string, path: string): Promise<ContainerStat | undefined> {
  try {
    const { headers } = await client.request("HEAD", `/containers/${id}/archive`, { query: { path } });
    return parseStat(headers["x-docker-container-path-stat"]);
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined;
    throw error;
  }
}

function parseStat(header: string | string[] | undefined): ContainerStat | undefined {
  if (typeof header !== "string") return undefined;
  const stat = JSON.parse(Buffer.from(header, "base64").toString()) as { mode: number; linkTarget: string }; // Docker's PathStat
  return {
    isDirectory: Math.floor(stat.mode / directoryBit) % 2 === 1,
    linkTarget: Math.floor(stat.mode / linkBit) % 2 === 1 ? stat.linkTarget : "",
  };
}

function localInfo(path: string, follow: boolean): PathInfo | undefined {
  const stat = (follow ? statSync : lstatSync)(path, { throwIfNoEntry: false });
  return stat && { isDirectory: stat.isDirectory() };
}
