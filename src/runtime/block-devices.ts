import { statSync } from "node:fs";
import type { HostConfig } from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** makedev(3): 12 bits of major and 20 of minor, interleaved. */
export function deviceNumber(rdev: number): DeviceNumber {
  const dev = BigInt(rdev);
  return {
    major: Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)),
    minor: Number((dev & 0xffn) | ((dev >> 12n) & ~0xffn)),
  };
}

/** The numbers of the block devices that a container's limits name, by path. @throws BerthError runtime/bad-option */
export function limitedDevices(hc: HostConfig): ReadonlyMap<string, DeviceNumber> {
  const lists = [hc.BlkioWeightDevice, hc.BlkioDeviceReadBps, hc.BlkioDeviceWriteBps, hc.BlkioDeviceReadIOps, hc.BlkioDeviceWriteIOps];
  const paths = new Set(lists.flatMap((list) => (list ?? []).map((entry) => entry.Path)));
  return new Map([...paths].map((path) => [path, blockDevice(path)]));
}

function blockDevice(path: string): DeviceNumber {
  try {
    const stat = statSync(path);
    if (stat.isBlockDevice()) return deviceNumber(stat.rdev);
  } catch (error) {
    throw new BerthError("runtime/bad-option", `a block I/O limit names ${path}: ${messageOf(error)}`);
  }
  throw new BerthError("runtime/bad-option", `a block I/O limit names ${path}, which is no block device`);
}
