import type { HostConfig } from "../../api/index.ts";
import { type Runtime, updateResources } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import { checkUpdate, type UpdateBody } from "../container-api/update-validation.ts";
import type { ContainerRecord } from "./container-record.ts";

const numbers = [
  "CpuShares",
  "Memory",
  "NanoCpus",
  "BlkioWeight",
  "CpuPeriod",
  "CpuQuota",
  "CpuRealtimePeriod",
  "CpuRealtimeRuntime",
  "MemoryReservation",
  "MemorySwap",
  "PidsLimit",
] as const;
const texts = ["CpusetCpus", "CpusetMems"] as const;

/**
 * The host configuration after an update: only what the body sets is changed, as with Docker. Pure.
 * @throws BerthError container/bad-config, api/conflict
 */
function updatedHostConfig(record: ContainerRecord, body: UpdateBody): HostConfig {
  const next: HostConfig = { ...record.HostConfig };
  for (const key of numbers) if (body[key]) next[key] = body[key];
  for (const key of texts) if (body[key]) next[key] = body[key];
  if (body.RestartPolicy?.Name) {
    if (record.HostConfig.AutoRemove && body.RestartPolicy.Name !== "no")
      throw new BerthError(
        "api/conflict",
        `Cannot update container ${record.Id}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
      );
    next.RestartPolicy = { Name: body.RestartPolicy.Name, MaximumRetryCount: body.RestartPolicy.MaximumRetryCount ?? 0 };
  }
  checkUpdate(record.Id, record.HostConfig, body, next);
  return next;
}

/** Applies it: to the kernel where the container runs, then to the record. The caller stores the record. Spawns one process for a running container. */
export async function updateContainer(record: ContainerRecord, body: UpdateBody, runtime: Runtime): Promise<void> {
  const next = updatedHostConfig(record, body);
  const touchesResources = [...numbers, ...texts].some((key) => body[key]);
  if (touchesResources && record.State.Running && !record.State.Restarting) await updateResources(runtime, record.Id, next);
  record.HostConfig = next;
}
