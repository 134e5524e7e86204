import { addWaiter } from "./waits.ts";

/** A container that runs, or waits to be started again. */
export interface Live {
  startedMs: number;
  /** Restarts in a row, none of which ran for long: the restart delay grows with it. */
  streak: number;
  /** The next restart, while it waits for one. */
  timer?: NodeJS.Timeout;
  /** Settles at the next exit. For those who wait to its end: who may go away before asks `nextExit`. */
  readonly exit: Promise<number>;
  readonly waiting: Set<(code: number) => void>;
  readonly tellExit: (code: number) => void;
  exitCode?: number;
  /** Somebody asked for the end: it is no crash. */
  stopping: boolean;
}

export function newLive(startedMs: number, streak = 0): Live {
  const waiting: Live["waiting"] = new Set();
  let settle: (code: number) => void = () => {};
  const exit = new Promise<number>((resolve) => {
    settle = resolve;
  });
  const live: Live = {
    startedMs,
    streak,
    exit,
    waiting,
    stopping: false,
    tellExit: (code) => {
      settle(code);
      live.exitCode ??= code;
      for (const tell of waiting) tell(code);
      waiting.clear();
    },
  };
  return live;
}

/** Settles with the exit code; never for one whose signal is aborted first, of whom nothing stays. */
export function nextExit(live: Live, signal: AbortSignal): Promise<number> {
  if (live.exitCode !== undefined) return Promise.resolve(live.exitCode);
  return new Promise((resolve) => addWaiter(live.waiting, resolve, signal));
}

/** The exit code, or undefined where the container outlives the time. */
export function exitWithin(live: Live, ms: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void live.exit.then((code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}
