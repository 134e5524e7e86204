import { randomBytes } from "node:crypto";
import type { Container, Health } from "../../api/index.ts";
import { execInContainer, type Runtime } from "../../runtime/index.ts";
import { messageOf, sleep } from "../../system/index.ts";
import { commandText } from "./exec-event.ts";

const ms = (nanoseconds: number | undefined, fallback: number) => (nanoseconds ? nanoseconds / 1e6 : fallback);
const maxOutput = 4096;
const keptEntries = 5;

/** Has it a health check that can be run: not NONE, and no word that Docker does not know? */
export function isProbed(container: Container): boolean {
  const test = container.Config.Healthcheck?.Test ?? [];
  return test[0] === "CMD" || test[0] === "CMD-SHELL";
}

/** Of what is not probed any more (it ended, it is paused) Docker says that it is unhealthy. Nothing of what has no health check. */
export function unwatchedHealth({ State: { Health: health } }: Container): { Health: Health } | undefined {
  return health && { Health: { ...health, Status: "unhealthy" } };
}

export interface HealthMonitorOptions {
  readonly runtime: Runtime;
  readonly report: (id: string, health: Health, changed: boolean) => void;
  /** A probe is an exec like any other for those who follow the events. */
  readonly emit: (id: string, action: string, attributes: Readonly<Record<string, string>>) => void;
}

/**
 * Runs the health checks of running containers. Docker's rules: the first probe comes one interval after the start (the start interval while in the start period);
 * failures in the start period do not count, the first success ends it; `retries` failures in a row make it unhealthy; a probe over its time is killed.
 */
export class HealthMonitor {
  readonly #o: HealthMonitorOptions;
  readonly #stops = new Map<string, AbortController>();

  constructor(o: HealthMonitorOptions) {
    this.#o = o;
  }

  watch(container: Container): void {
    this.forget(container.Id);
    if (!isProbed(container)) return;
    const stop = new AbortController();
    this.#stops.set(container.Id, stop);
    void this.#loop(container, stop.signal);
  }

  forget(id: string): void {
    this.#stops.get(id)?.abort();
    this.#stops.delete(id);
  }

  close(): void {
    for (const id of [...this.#stops.keys()]) this.forget(id);
  }

  async #loop(container: Container, signal: AbortSignal): Promise<void> {
    const check = container.Config.Healthcheck ?? {};
    const [kind, ...rest] = check.Test ?? [];
    const args = kind === "CMD-SHELL" ? [...(container.Config.Shell ?? ["/bin/sh", "-c"]), rest.join(" ")] : rest;
    const intervalMs = ms(check.Interval, 30_000);
    const startPeriodEnds = Date.parse(container.State.StartedAt) + ms(check.StartPeriod, 0);
    const retries = check.Retries || 3;
    let health: Health = container.State.Health ?? { Status: "starting", FailingStreak: 0, Log: [] };
    while (!signal.aborted) {
      const starting = health.Status === "starting" && Date.now() < startPeriodEnds;
      await sleep(starting ? ms(check.StartInterval, 5_000) : intervalMs, signal);
      if (signal.aborted) return;
      const entry = await this.#probe(container.Id, args, ms(check.Timeout, 30_000), signal);
      if (signal.aborted || !entry) return;
      const ok = entry.ExitCode === 0;
      const counts = !(health.Status === "starting" && Date.now() < startPeriodEnds);
      const streak = ok ? 0 : health.FailingStreak + (counts ? 1 : 0);
      const status = ok ? "healthy" : streak >= retries ? "unhealthy" : health.Status;
      const changed = status !== health.Status;
      health = { Status: status, FailingStreak: streak, Log: [...health.Log, entry].slice(-keptEntries) };
      this.#o.report(container.Id, health, changed);
    }
  }

  async #probe(id: string, args: readonly string[], timeoutMs: number, signal: AbortSignal) {
    const start = new Date().toISOString();
    const execID = randomBytes(32).toString("hex");
    const emit = (action: string, more: Readonly<Record<string, string>> = {}) => this.#o.emit(id, action, { execID, ...more });
    let output = "";
    try {
      emit(`exec_create: ${commandText(args)}`);
      emit(`exec_start: ${commandText(args)}`);
      const session = execInContainer(
        this.#o.runtime,
        id,
        { args, env: [], user: "", cwd: "", tty: false, stdin: false, privileged: false },
        (_, data) => {
          if (output.length < maxOutput) output += data;
        },
      );
      let timer: NodeJS.Timeout | undefined;
      let isLate = false;
      const late = new Promise<number>((resolve) => {
        timer = setTimeout(() => {
          session.kill();
          isLate = true;
          resolve(-1);
        }, timeoutMs);
      });
      const ended = session.ended.then(({ exitCode, reason }) => {
        // What never began has no end.
        if (reason !== undefined) return -1;
        emit("exec_die", { exitCode: String(exitCode) });
        return exitCode;
      });
      const code = await Promise.race([ended, late]);
      clearTimeout(timer);
      return {
        Start: start,
        End: new Date().toISOString(),
        ExitCode: code,
        Output: isLate
          ? `Health check exceeded timeout (${inWords(timeoutMs)})`
          : output.slice(0, maxOutput).replace(/\r\n$/, code === -1 ? "" : "$&"),
      };
    } catch (error) {
      if (signal.aborted) return undefined;
      return { Start: start, End: new Date().toISOString(), ExitCode: -1, Output: messageOf(error) };
    }
  }
}

/** As Go prints a duration. */
function inWords(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1000];
  return hours > 0 ? `${hours}h${minutes}m${seconds}s` : minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
