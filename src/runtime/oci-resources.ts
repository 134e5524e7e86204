import type { OciInput } from "./oci-input.ts";

/** runtime-spec config-linux.md, resources. Also the body of an update. */
export function ociResources(input: OciInput) {
  const hc = input.container.HostConfig;
  const memory = hc.Memory || undefined;
  // Docker: swap unset is as much again as the memory.
  const swap = hc.MemorySwap ? hc.MemorySwap : memory ? memory * 2 : undefined;
  const period = hc.NanoCpus ? 100_000 : hc.CpuPeriod || undefined;
  // -1 is no limit, which a new group has anyway.
  const quota = hc.NanoCpus ? Math.round(hc.NanoCpus / 10_000) : (hc.CpuQuota ?? 0) > 0 ? hc.CpuQuota : undefined;
  return prune({
    devices: deviceRules(input),
    memory: prune({
      limit: memory,
      swap,
      reservation: hc.MemoryReservation || undefined,
      // -1, which clients send by default, means the kernel's own.
      swappiness: hc.MemorySwappiness === -1 ? undefined : (hc.MemorySwappiness ?? undefined),
      disableOOMKiller: hc.OomKillDisable || undefined,
    }),
    cpu: prune({ shares: hc.CpuShares || undefined, quota, period, cpus: hc.CpusetCpus || undefined, mems: hc.CpusetMems || undefined }),
    pids: hc.PidsLimit && hc.PidsLimit > 0 ? { limit: hc.PidsLimit } : undefined,
    blockIO: blockIo(input),
  });
}

/** runtime-spec config-linux.md, blockIO */
function blockIo({ container: { HostConfig: hc }, blockDevices }: OciInput) {
  const each = <T extends { Path: string }>(list: readonly T[] | null | undefined, value: (entry: T) => object) =>
    list?.length ? list.map((entry) => ({ ...blockDevices?.get(entry.Path), ...value(entry) })) : undefined;
  const rate = ({ Rate }: { Rate: number }) => ({ rate: Rate });
  return prune({
    weight: hc.BlkioWeight || undefined,
    weightDevice: each(hc.BlkioWeightDevice, ({ Weight }) => ({ weight: Weight })),
    throttleReadBpsDevice: each(hc.BlkioDeviceReadBps, rate),
    throttleWriteBpsDevice: each(hc.BlkioDeviceWriteBps, rate),
    throttleReadIOPSDevice: each(hc.BlkioDeviceReadIOps, rate),
    throttleWriteIOPSDevice: each(hc.BlkioDeviceWriteIOps, rate),
  });
}

function prune<T extends Record<string, unknown>>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(
      ([, value]) =>
        value !== undefined && !(typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0),
    ),
  ) as Partial<T>; // a subset of the same entries
}

/** Device cgroup rules: nothing, then the nodes every container has, then what was asked. */
function deviceRules(input: OciInput) {
  if (input.container.HostConfig.Privileged) return [{ allow: true, access: "rwm" }];
  const allow = (type: "c" | "b", major?: number, minor?: number, access = "rwm") => ({
    allow: true,
    type,
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    access,
  });
  return [
    { allow: false, access: "rwm" },
    allow("c", undefined, undefined, "m"),
    allow("b", undefined, undefined, "m"),
    ...[
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 2],
    ].map(([major, minor]) => allow("c", major, minor)),
    allow("c", 136),
    ...input.devices.map((device) => allow(device.type, device.major, device.minor, device.access)),
    ...(input.container.HostConfig.DeviceCgroupRules ?? []).flatMap(cgroupRule),
  ];
}

/** "c 1:3 rwm", "a *:* rwm" (Docker's --device-cgroup-rule). */
function cgroupRule(text: string) {
  const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text.trim());
  if (!match) return [];
  const [, type = "a", major = "*", minor = "*", access = "rwm"] = match;
  return [
    { allow: true, type, ...(major === "*" ? {} : { major: Number(major) }), ...(minor === "*" ? {} : { minor: Number(minor) }), access },
  ];
}
