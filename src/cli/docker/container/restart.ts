import type { ContainerCreateBody } from "../../../api/index.ts";
import { UsageError } from "../usage-error.ts";

/** "always", "on-failure:3" -> the API's restart policy. @throws UsageError in Docker's words */
export function restartPolicy(text = "no"): NonNullable<NonNullable<ContainerCreateBody["HostConfig"]>["RestartPolicy"]> {
  const [asked = "no", count = "0"] = text.split(":");
  const Name = (["no", "always", "unless-stopped", "on-failure"] as const).find((known) => known === asked);
  if (!Name)
    throw new UsageError(`invalid restart policy: unknown policy '${asked}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  if (!/^\d+$/.test(count)) throw new UsageError("maximum retry count must be an integer");
  return { Name, MaximumRetryCount: Number(count) };
}
