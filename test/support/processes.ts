import { processState } from "../../src/system/index.ts";

/** True also for a zombie, which stays where the machine's first process waits for nobody. */
export const hasEnded = (pid: number): boolean => [undefined, "Z"].includes(processState(pid));
