import { cpus } from "node:os";
import type { HostConfig, Resources } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";
import { checkCpus } from "./create-validation.ts";

/** Body of POST /containers/{id}/update. */
export type UpdateBody = Resources & Pick<HostConfig, "RestartPolicy">;

/** What Docker refuses of an update before it looks for the container, in its words. @throws BerthError container/bad-config */
export function checkUpdateBody({ RestartPolicy: restart, ...body }: UpdateBody): void {
  const [memory, swap, reservation] = [body.Memory ?? 0, body.MemorySwap ?? 0, body.MemoryReservation ?? 0];
  if (memory && memory < 6 * 1024 * 1024) refuse("Minimum memory limit allowed is 6MB");
  if (memory > 0 && swap > 0 && swap < memory) refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (memory > 0 && reservation > memory) refuse("Minimum memory limit can not be less than memory reservation limit, see usage");
  checkCpus(body, cpus().length);
  if (body.NanoCpus && body.CpuPeriod) refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (body.NanoCpus && body.CpuQuota) refuse("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  const policy = restart?.Name;
  if (policy && !["no", "always", "unless-stopped", "on-failure"].includes(policy))
    refuse(`invalid restart policy: unknown policy '${policy}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  if (restart?.MaximumRetryCount && policy !== "on-failure")
    refuse("invalid restart policy: maximum retry count can only be used with 'on-failure'");
}

/** What it refuses of an update of this container. @throws BerthError container/bad-config */
export function checkUpdate(id: string, old: HostConfig, body: UpdateBody, next: HostConfig): void {
  const cannot = (message: string): never => refuse(`Cannot update container ${id}: ${message}`);
  if (body.Memory && !body.MemorySwap && old.MemorySwap && old.MemorySwap > 0 && body.Memory > old.MemorySwap)
    cannot("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
  if (next.Memory && next.MemorySwap && next.MemorySwap > 0 && next.MemorySwap < next.Memory)
    refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (body.NanoCpus && old.CpuPeriod) cannot("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  if (body.NanoCpus && old.CpuQuota) cannot("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  if (body.CpuPeriod && old.NanoCpus) cannot("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  if (body.CpuQuota && old.NanoCpus) cannot("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
}

function refuse(message: string): never {
  throw new BerthError("container/bad-config", message);
}
