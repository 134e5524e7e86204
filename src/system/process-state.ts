import { readFileSync } from "node:fs";

/**
 * "R" running, "S" sleeping, "Z" ended and not yet waited for, ...: proc_pid_stat(5). undefined where there is no such process. The state comes behind the
 * name, which is in parentheses and may hold any.
 */
export function processState(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text[text.lastIndexOf(")") + 2];
  } catch {
    return undefined;
  }
}

/** True also for a zombie, which stays where nobody waits for it. */
export const hasEnded = (pid: number): boolean => [undefined, "Z"].includes(processState(pid));
