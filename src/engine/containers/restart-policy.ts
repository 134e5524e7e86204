import type { HostConfig } from "../../api/index.ts";

const firstMs = 100;
const longestMs = 60_000;
/** A container that ran this long starts with the first delay again (Docker's rule). */
export const steadyMs = 10_000;

/** Milliseconds until the container is started again, or undefined where its policy says that it stays down. Doubling from 100 ms to a minute. */
export function restartDelay(
  policy: HostConfig["RestartPolicy"],
  o: { exitCode: number; restartCount: number; streak: number; userStopped: boolean },
): number | undefined {
  if (o.userStopped) return undefined;
  const delay = Math.min(longestMs, firstMs * 2 ** o.streak);
  switch (policy?.Name) {
    case "always":
    case "unless-stopped":
      return delay;
    case "on-failure":
      if (o.exitCode === 0) return undefined;
      return policy.MaximumRetryCount && o.restartCount >= policy.MaximumRetryCount ? undefined : delay;
    default:
      return undefined;
  }
}
