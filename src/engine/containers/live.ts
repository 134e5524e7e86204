/** A container that runs, or waits to be started again. */
export interface Live {
  startedMs: number;
  /** Restarts in a row, none of which ran for long: the restart delay grows with it. */
  streak: number;
  /** The next restart, while it waits for one. */
  timer?: NodeJS.Timeout;
  /** Settles at the next exit. */
  readonly exit: Promise<number>;
  readonly tellExit: (code: number) => void;
  /** Somebody asked for the end: it is no crash. */
  stopping: boolean;
}

export function newLive(startedMs: number, streak = 0): Live {
  let tellExit: (code: number) => void = () => {};
  const exit = new Promise<number>((resolve) => {
    tellExit = resolve;
  });
  return { startedMs, streak, exit, tellExit, stopping: false };
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
