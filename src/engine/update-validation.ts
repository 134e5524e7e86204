import { cpus } from "node:os";
import type { HostConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { UpdateBody } from "./container-update.ts";
import { checkCpus } from "./create-validation.ts";

/** What Docker refuses of an update, in its words. @throws BerthError container/bad-config */
export function checkUpdate(id: string, old: HostConfig, body: UpdateBody, next: HostConfig): void {
  const refuse = (message: string): never => {
    throw new BerthError("container/bad-config", message);
  };
  if (body.Memory && body.Memory < 6 * 1024 * 1024) refuse("Minimum memory limit allowed is 6MB");
  const cannot = (message: string): never => refuse(`Cannot update container ${id}: ${message}`);
  if (body.Memory && !body.MemorySwap && old.MemorySwap && old.MemorySwap > 0 && body.Memory > old.MemorySwap)
    cannot("Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time");
  if (next.Memory && next.MemorySwap && next.MemorySwap > 0 && next.MemorySwap < next.Memory)
    refuse("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (body.NanoCpus && (body.CpuPeriod || body.CpuQuota)) refuse("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  checkCpus(body, cpus().length);
  if (body.NanoCpus && old.CpuPeriod) cannot("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  if (body.NanoCpus && old.CpuQuota) cannot("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  if (body.CpuPeriod && old.NanoCpus) cannot("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  if (body.CpuQuota && old.NanoCpus) cannot("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  const policy = body.RestartPolicy?.Name;
  if (policy && !["no", "always", "unless-stopped", "on-failure"].includes(policy))
    refuse(`invalid restart policy: unknown policy '${policy}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  if (body.RestartPolicy?.MaximumRetryCount && policy !== "on-failure")
    refuse("invalid restart policy: maximum retry count can only be used with 'on-failure'");
}
