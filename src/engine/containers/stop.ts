import { BerthError, messageOf } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import { unwatchedHealth } from "./health-monitor.ts";
import { exitWithin } from "./live.ts";
import type { ContainerParts } from "./parts.ts";
import { signalNumber } from "./signals.ts";

export interface StopOptions {
  /** Seconds; -1 waits for ever. Default: the container's own, else 10. */
  readonly graceS?: number;
  readonly signal?: string;
  /** A part of a removal, which Docker tells as "kill", "die" and "destroy": no stop was asked for. */
  readonly isRemoval?: boolean;
}

type Parts = Pick<ContainerParts, "runtime" | "book" | "live" | "locks" | "health">;

/** SIGTERM (or the container's own signal), then SIGKILL after the grace. A start that is under way is waited for. */
export async function stopContainer(parts: Parts, record: ContainerRecord, o: StopOptions = {}): Promise<"stopped" | "already"> {
  const { book, live: all, locks } = parts;
  await locks.quiet(record.Id);
  noteStop(parts, record);
  if (!record.State.Running) return "already";
  const live = all.get(record.Id);
  if (!live || record.State.Restarting) {
    cancelRestart(parts, record);
    book.emit(record, "stop");
    // Compose took the end before for one of several, and waits for the last one.
    book.emit(record, "die", { exitCode: String(record.State.ExitCode), execDuration: "0" });
    return "stopped";
  }
  live.stopping = true;
  const graceS = o.graceS ?? record.Config.StopTimeout ?? 10;
  if (record.State.Paused) await resumeContainer(parts, record);
  const signal = signalNumber(o.signal || record.Config.StopSignal || "SIGTERM");
  await sendSignal(parts, record, signal);
  if (signal !== 9 && graceS >= 0 && (await exitWithin(live, graceS * 1000)) === undefined) await sendSignal(parts, record, 9);
  await live.exit;
  if (!o.isRemoval) book.emit(record, "stop");
  return "stopped";
}

/** It has ended before, and is not started again. Who waits for its next end has it herewith. */
function cancelRestart({ book, live: all }: Parts, record: ContainerRecord): void {
  const live = all.get(record.Id);
  clearTimeout(live?.timer);
  all.delete(record.Id);
  record.State = { ...record.State, Status: "exited", Running: false, Restarting: false };
  book.put(record);
  live?.tellExit(record.State.ExitCode);
}

/**
 * Sends one signal. Docker has it for an explicit stop, which the restart policy heeds, where it is SIGKILL or the container's own stop signal; any signal is where
 * the container names none. One that waits to be started again gets no signal, and with a stop stays down. `ref` is how the caller named it, and so do the errors.
 */
export async function killContainer(parts: Parts, record: ContainerRecord, number: number, ref: string): Promise<void> {
  const { StopSignal: own } = record.Config;
  const isStop = number === 9 || !own || number === signalNumber(own);
  // A start that its policy has just begun is waited for.
  if (record.State.Restarting) await parts.locks.quiet(record.Id);
  if (record.State.Restarting) {
    if (!isStop) return;
    noteStop(parts, record);
    return cancelRestart(parts, record);
  }
  if (!record.State.Running)
    throw new BerthError("container/not-running", `cannot kill container: ${ref}: container ${record.Id} is not running`);
  const live = parts.live.get(record.Id);
  if (isStop) {
    noteStop(parts, record);
    if (live) live.stopping = true;
  }
  await sendSignal(parts, record, number);
  // What is frozen would not even die.
  if (number === 9 && record.State.Paused) await resumeContainer(parts, record);
  if (number === 9 && live) await live.exit;
}

/** What a kill of `ref` sends; SIGKILL where nothing is said. @throws BerthError api/bad-parameter in Docker's words, which come before whether there is such a container */
export function killSignal(ref: string, signal: string): number {
  try {
    return signalNumber(signal || "SIGKILL");
  } catch (error) {
    throw new BerthError("api/bad-parameter", `cannot kill container: ${ref}: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws BerthError container/not-running */
export async function pauseContainer(parts: Parts, record: ContainerRecord): Promise<void> {
  if (!record.State.Running || record.State.Restarting)
    throw new BerthError("container/not-running", `container ${record.Id} is not running`);
  if (record.State.Paused) throw new BerthError("container/not-running", `Container ${record.Id} is already paused`);
  // Probes would only stand still in it, and count as failures.
  parts.health.forget(record.Id);
  await parts.runtime.pause(record.Id);
  record.State = { ...record.State, Status: "paused", Paused: true, ...unwatchedHealth(record) };
  parts.book.put(record);
  parts.book.emit(record, "pause");
}

export async function resumeContainer(parts: Parts, record: ContainerRecord): Promise<void> {
  if (!record.State.Paused) throw new BerthError("system/internal", `Container ${record.Id} is not paused`);
  await parts.runtime.resume(record.Id);
  record.State = { ...record.State, Status: "running", Paused: false };
  parts.book.put(record);
  parts.health.watch(record);
  parts.book.emit(record, "unpause");
}

function noteStop({ book }: Parts, record: ContainerRecord): void {
  // Without a restart policy nobody will ask: the record need not be written.
  if (record.Berth.userStopped || record.HostConfig.RestartPolicy?.Name === "no") return;
  record.Berth.userStopped = true;
  book.put(record);
}

async function sendSignal({ runtime, book, health }: Parts, record: ContainerRecord, number: number): Promise<void> {
  // What is ended by force is not probed until it is gone.
  if (number === 9) health.forget(record.Id);
  book.emit(record, "kill", { signal: String(number) });
  await runtime.kill(record.Id, number);
}
