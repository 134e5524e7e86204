import { readFileSync } from "node:fs";

/** How many memory nodes (NUMA) this machine has; 1 where the kernel does not say. */
export function memoryNodes(): number {
  try {
    return Number(/(\d+)\s*$/.exec(readFileSync("/sys/devices/system/node/online", "utf8"))?.[1] ?? 0) + 1;
  } catch {
    return 1;
  }
}
