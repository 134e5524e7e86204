import type { ExitInfo } from "../../runtime/index.ts";
import { messageOf } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import { isProbed, unwatchedHealth } from "./health-monitor.ts";
import { type Live, newLive } from "./live.ts";
import { networksOf } from "./networks.ts";
import type { ContainerParts } from "./parts.ts";
import { restartDelay, steadyMs } from "./restart-policy.ts";

export interface ExitActs {
  /** Starts a container again whose delay is over. Answers why it could not be. */
  restart(id: string): Promise<{ error: unknown } | undefined>;
  remove(id: string): Promise<void>;
}

/** Follows containers to their exit, and does what their restart policy says then. */
export class ExitWatch {
  readonly #parts: ContainerParts;
  readonly #acts: ExitActs;
  #closed = false;

  constructor(parts: ContainerParts, acts: ExitActs) {
    this.#parts = parts;
    this.#acts = acts;
  }

  remove(id: string): Promise<void> {
    return this.#acts.remove(id);
  }

  /** A container has been let go now; restarts in a row are still counted. */
  begin(record: ContainerRecord): Live {
    const { live } = this.#parts;
    const old = live.get(record.Id);
    clearTimeout(old?.timer);
    const next = newLive(Date.now(), old?.streak ?? 0);
    // Who waited while the next start was due waits for the end of this one.
    if (old && old.exitCode === undefined) void next.exit.then(old.tellExit);
    live.set(record.Id, next);
    return next;
  }

  /** From here on its exit is told, also one that was before. */
  follow(id: string): void {
    const record = this.#parts.book.byId(id);
    if (record) this.#parts.runtime.rotateLogs(record);
    this.#parts.runtime.onExit(id, (exit) => {
      this.#ended(id, exit).catch((error: unknown) =>
        this.#parts.log.error({ container: id, err: messageOf(error) }, "an exit could not be worked off"),
      );
    });
  }

  /** Takes over what a former engine left: it runs on, or has ended meanwhile (with its exit code), and its restart policy applies. */
  async adopt(record: ContainerRecord): Promise<void> {
    const { runtime, volumes, live, health, log } = this.#parts;
    const exit = runtime.exitOf(record.Id);
    const pid = exit ? undefined : runtime.pidOf(record.Id);
    live.set(record.Id, newLive(Date.parse(record.State.StartedAt)));
    if (pid) {
      volumes.hold(record.Id, volumeNames(record));
      this.follow(record.Id);
      if (isProbed(record)) health.watch(record);
      log.info({ container: record.Name, pid }, "container adopted");
      return;
    }
    const lost = {
      exitCode: record.State.Restarting ? record.State.ExitCode : 255,
      oomKilled: false,
      finishedAt: new Date().toISOString(),
    };
    await this.#ended(record.Id, exit ?? lost);
  }

  close(): void {
    this.#closed = true;
    for (const live of this.#parts.live.values()) clearTimeout(live.timer);
  }

  /** A process has ended: the record, the kernel, the events, whoever waits, and what its policy says. */
  async #ended(id: string, exit: ExitInfo): Promise<void> {
    const { runtime, networks, volumes, book, live: all, health } = this.#parts;
    const record = book.byId(id);
    if (!record) return;
    const live = all.get(id) ?? newLive(Date.now());
    health.forget(id);
    const oomKilled = exit.oomKilled || (exit.exitCode === 137 && !live.stopping && runtime.oomKills(id) > 0);
    networks.leave(id);
    await runtime.cleanup(id);
    volumes.release(id);
    if (!book.byId(id)) return live.tellExit(exit.exitCode); // removed meanwhile
    const ranMs = Date.now() - live.startedMs;
    if (ranMs >= steadyMs) live.streak = 0;
    const delay = this.#delay(record, live, exit.exitCode);
    record.State = {
      ...record.State,
      Status: delay === undefined ? "exited" : "restarting",
      Running: delay !== undefined,
      Restarting: delay !== undefined,
      Paused: false,
      OOMKilled: oomKilled,
      Pid: 0,
      ExitCode: exit.exitCode,
      FinishedAt: exit.finishedAt,
      ...unwatchedHealth(record),
    };
    const isRemoved = record.HostConfig.AutoRemove === true && delay === undefined && !this.#parts.restarts.has(id);
    if (delay === undefined) book.putEnd(record);
    else book.put(record);
    if (oomKilled) book.emit(record, "oom");
    book.emit(record, "die", { exitCode: String(exit.exitCode), execDuration: String(Math.round(ranMs / 1000)) });
    book.emitUse(false, record, networksOf(this.#parts, record));
    live.tellExit(exit.exitCode);
    if (delay !== undefined) {
      const next = newLive(Date.now(), live.streak + 1);
      next.timer = setTimeout(() => void this.#restartNow(id), delay);
      all.set(id, next);
      return;
    }
    all.delete(id);
    if (isRemoved) await this.#acts.remove(id);
  }

  #delay(record: ContainerRecord, live: Live, exitCode: number): number | undefined {
    if (this.#closed) return undefined;
    return restartDelay(record.HostConfig.RestartPolicy, {
      exitCode,
      restartCount: record.RestartCount,
      streak: live.streak,
      userStopped: record.Berth.userStopped || live.stopping,
    });
  }

  async #restartNow(id: string): Promise<void> {
    const { book, log } = this.#parts;
    const record = book.byId(id);
    if (!record?.State.Restarting || this.#closed) return;
    record.RestartCount++;
    record.State = { ...record.State, Running: false };
    const waitedFor = this.#parts.live.get(id);
    const failed = await this.#acts.restart(id);
    if (failed) waitedFor?.tellExit(record.State.ExitCode); // no start, no end to wait for
    if (failed) log.warn({ container: record.Name, err: messageOf(failed.error) }, "a container could not be restarted");
  }
}

function volumeNames({ Mounts }: ContainerRecord): string[] {
  return Mounts.flatMap((mount) => (mount.Type === "volume" && mount.Name ? [mount.Name] : []));
}
