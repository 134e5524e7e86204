import type { AttachResult } from "../../network/index.ts";
import { BerthError, errorCodes, messageOf } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ExitWatch } from "./exits.ts";
import { isProbed } from "./health-monitor.ts";
import { networkOwner, sharedMemory } from "./joined.ts";
import { linkVariables } from "./links.ts";
import { resolveMounts } from "./mounts.ts";
import { joinsAnother, namespacesOf } from "./namespaces.ts";
import { attachNetworks, hostsOf, networksOf, resolvConfOf } from "./networks.ts";
import type { ContainerParts } from "./parts.ts";
import { lowerDirs } from "./root.ts";
import { checkStart } from "./start-checks.ts";

export interface StartFailure {
  readonly id: string;
  readonly error: unknown;
}

/** How many low-level runtimes are spawned at a time. */
const concurrency = 4;

/**
 * Starts these together: the networks of all are set up in one batch, then four at a time; who joins another one's namespace comes after the rest. A container
 * that runs already is left alone. Answers those that could not be started: they are as before, with the reason in their record.
 */
export async function startTogether(parts: ContainerParts, exits: ExitWatch, ids: readonly string[]): Promise<StartFailure[]> {
  const failures: StartFailure[] = [];
  parts.runtime.expectStart();
  const release = await parts.locks.take(ids);
  const failed = async (record: ContainerRecord, error: unknown) => {
    failures.push({ id: record.Id, error });
    await undoStart(parts, record, error);
    release(record.Id);
    if (record.HostConfig.AutoRemove) await exits.remove(record.Id);
  };
  try {
    const wanted: ContainerRecord[] = [];
    for (const id of new Set(ids)) {
      // It may have been removed or started while this waited for its turn.
      const record = parts.book.byId(id);
      if (!record) failures.push({ id, error: new BerthError("container/not-found", `No such container: ${id}`) });
      else if (!record.State.Running) wanted.push(record);
    }
    const attached = await attachNetworks(parts, wanted);
    for (const { record, error } of attached.failures) await failed(record, error);
    const ready = wanted.filter((record) => !attached.failures.some((failure) => failure.record === record));
    for (const group of [ready.filter((record) => !joinsAnother(record)), ready.filter(joinsAnother)]) {
      const queue = [...group];
      const worker = async () => {
        for (let record = queue.shift(); record; record = queue.shift()) {
          try {
            await startOne(parts, exits, record, attached.netns.get(record.Id));
            release(record.Id);
          } catch (error) {
            await failed(record, error);
          }
        }
      };
      await Promise.all(Array.from({ length: Math.min(concurrency, group.length) }, worker));
    }
    return failures;
  } finally {
    for (const id of ids) release(id);
  }
}

type Attached = Pick<AttachResult, "netnsPath" | "ready">;

/** The low-level runtime makes the container while its interfaces come; both are there before its process is let go. */
async function startOne(parts: ContainerParts, exits: ExitWatch, record: ContainerRecord, attached: Attached | undefined): Promise<void> {
  const { runtime, book, live, waits, health } = parts;
  const id = record.Id;
  checkStart(record);
  const lower = lowerDirs(parts, record);
  const root = runtime.mountRoot(id, lower);
  const mounts = await resolveMounts(parts, record, root);
  // A setting of the network may name an interface, or be for all that are there.
  if (Object.keys(record.HostConfig.Sysctls ?? {}).length > 0) await attached?.ready;
  const find = (ref: string) => book.find(ref);
  const owner = networkOwner(record, find);
  record.Config = { ...record.Config, Hostname: owner.Config.Hostname ?? "", Domainname: owner.Config.Domainname ?? "" };
  const memory = sharedMemory(record, find, (other) => runtime.sharedMemory(other));
  const created = runtime.create({
    container: withLinks(parts, record),
    imageConfig: record.Berth.imageConfig,
    lowerDirs: lower,
    namespaces: namespacesOf(record, attached?.netnsPath, find),
    mounts,
    hosts: hostsOf(parts, owner),
    resolvConf: resolvConfOf(parts, owner),
    ...(owner === record ? {} : { filesOf: owner.Id }),
    ...(memory ? { sharedMemory: memory } : {}),
  });
  const { pid } = await created.catch(async (error: unknown) => {
    // A namespace whose interfaces could not be made is taken away: then that is the reason.
    await attached?.ready;
    throw asStartFailure(error);
  });
  for (const prepare of parts.beforeStart) {
    await prepare(record).catch((error: unknown) =>
      parts.log.warn({ container: record.Name, err: messageOf(error), effect: "it starts without" }, "a container could not be prepared"),
    );
  }
  await attached?.ready;
  await runtime.start(id);
  exits.begin(record);
  record.Berth.userStopped = false;
  // Whoever starts it gives it all its tries again (moby, Container.ResetRestartManager); only its policy's own starts are counted.
  if (!record.State.Restarting) record.RestartCount = 0;
  record.State = {
    ...record.State,
    Status: "running",
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: pid,
    ExitCode: 0,
    Error: "",
    StartedAt: new Date().toISOString(),
  };
  if (isProbed(record)) record.State.Health = { Status: "starting", FailingStreak: 0, Log: record.State.Health?.Log ?? [] };
  try {
    book.put(record);
  } catch (error) {
    // It cannot be remembered (a full disk): then it must not run.
    record.State = { ...record.State, Status: "exited", Running: false, Pid: 0 };
    live.delete(id);
    throw error;
  }
  book.emitUse(true, record, networksOf(parts, record));
  book.emit(record, "start");
  waits.tellStart(id);
  if (isProbed(record)) health.watch(record);
  exits.follow(id);
}

/** What is wrong with the container (its user, a device) is none of the request to start it: Docker answers 500 there, but for a command that is no command. */
function asStartFailure(error: unknown): unknown {
  if (!(error instanceof BerthError) || error.code.startsWith("runtime/command-") || errorCodes[error.code].http >= 500) return error;
  return new BerthError("runtime/start-failed", error.message, { cause: error, ...(error.hint ? { hint: error.hint } : {}) });
}

/** The container as its process is to see it: the variables of its links before its own. */
function withLinks({ book }: ContainerParts, record: ContainerRecord): ContainerRecord {
  const variables = linkVariables(record, (ref) => book.find(ref));
  if (variables.length === 0) return record;
  return { ...record, Config: { ...record.Config, Env: [...variables, ...(record.Config.Env ?? [])] } };
}

/** After a start that did not succeed: nothing of it stays in the kernel, and the record says why, in Docker's words and codes. */
async function undoStart(
  { runtime, networks, volumes, book, waits, log }: ContainerParts,
  record: ContainerRecord,
  error: unknown,
): Promise<void> {
  record.State = {
    ...record.State,
    Status: record.State.Status === "restarting" ? "exited" : record.State.Status,
    Running: false,
    Restarting: false,
    Pid: 0,
    ExitCode: startExitCode(error),
    Error: messageOf(error),
  };
  const undos = [
    () => runtime.cleanup(record.Id),
    () => volumes.release(record.Id),
    () => networks.detach([record.Id]),
    () => book.put(record),
  ];
  for (const undo of undos) {
    try {
      await undo();
    } catch (another) {
      log.warn({ container: record.Name, err: messageOf(another), effect: "the next start tries again" }, "a failed start left something");
    }
  }
  // Whoever waits for the start (attach before start) learns that it is over.
  waits.tellStart(record.Id);
}

function startExitCode(error: unknown): number {
  const code = error instanceof BerthError ? error.code : undefined;
  return code === "runtime/command-not-found" ? 127 : code === "runtime/command-not-executable" ? 126 : 128;
}
