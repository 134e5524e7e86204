import type { DeviceRequest } from "../../../api/index.ts";
import { ramBytes } from "../bytes.ts";
import type { Flags } from "../flags.ts";
import { UsageError } from "../usage-error.ts";

/** `--gpus`: `all`, a number, or `device=0,capabilities=utility` as a line of CSV (docker/cli opts/gpus.go). @throws UsageError */
export function deviceRequests(flags: Flags): { DeviceRequests?: DeviceRequest[] } {
  const given = flags.list("gpus");
  return given.length > 0 ? { DeviceRequests: given.map(gpuRequest) } : {};
}

function gpuRequest(text: string): DeviceRequest {
  const invalid = (why: string) => new UsageError(`invalid argument ${JSON.stringify(text)} for "--gpus" flag: ${why}`);
  const request = {
    Driver: "",
    Count: 0,
    DeviceIDs: null as string[] | null,
    Capabilities: [] as string[][],
    Options: {} as Record<string, string>,
  };
  const seen = new Set<string>();
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const [key, value] = at < 0 ? ["count", field] : [field.slice(0, at), field.slice(at + 1)];
    if (seen.has(key)) throw invalid(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (key === "driver") request.Driver = value;
    else if (key === "count") {
      if (value !== "all" && !/^[+-]?\d+$/.test(value)) throw invalid(`invalid count (${value}): value must be either "all" or an integer`);
      request.Count = value === "all" ? -1 : Number(value);
    } else if (key === "device") request.DeviceIDs = value.split(",");
    else if (key === "capabilities") request.Capabilities = [[...value.split(","), "gpu"]];
    else if (key === "options")
      request.Options = Object.fromEntries(csvFields(value).map((one) => [one.split("=")[0] ?? "", one.split("=").slice(1).join("=")]));
    else throw invalid(`unexpected key '${key}' in '${field}'`);
  }
  if (!seen.has("count") && request.DeviceIDs === null) request.Count = 1;
  if (request.Capabilities.length === 0) request.Capabilities = [["gpu"]];
  return request;
}

/** One line of CSV: `"device=0,1",driver=nvidia` has two fields. */
function csvFields(text: string): string[] {
  const fields = text.match(/"(?:[^"]|"")*"|[^,]+/g) ?? [];
  return fields.map((field) => (field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field));
}

/** What the flags of single devices ask of block IO, as the API names it. @throws UsageError in Docker's words */
export function blockDeviceLimits(flags: Flags) {
  const rates = (name: string, rate: (text: string, flag: string) => number) =>
    flags.list(name).map((text) => ({ Path: pathOf(text, name), Rate: rate(text, name) }));
  const limits = {
    BlkioWeightDevice: flags
      .list("blkio-weight-device")
      .map((text) => ({ Path: pathOf(text, "blkio-weight-device"), Weight: weightOf(text) })),
    BlkioDeviceReadBps: rates("device-read-bps", bytesPerSecond),
    BlkioDeviceWriteBps: rates("device-write-bps", bytesPerSecond),
    BlkioDeviceReadIOps: rates("device-read-iops", requestsPerSecond),
    BlkioDeviceWriteIOps: rates("device-write-iops", requestsPerSecond),
  };
  return Object.fromEntries(Object.entries(limits).filter(([, list]) => list.length > 0));
}

function refuse(text: string, flag: string, why: string): never {
  throw new UsageError(`invalid argument ${JSON.stringify(text)} for "--${flag}" flag: ${why}`);
}

function pathOf(text: string, flag: string): string {
  const [path = "", value] = text.split(":");
  if (!path || value === undefined) refuse(text, flag, `bad format: ${text}`);
  if (!path.startsWith("/dev/")) refuse(text, flag, `bad format for device path: ${text}`);
  return path;
}

function weightOf(text: string): number {
  const value = text.split(":")[1] ?? "";
  const weight = Number(value);
  if (!/^\d+$/.test(value) || (weight > 0 && (weight < 10 || weight > 1000)))
    refuse(text, "blkio-weight-device", `invalid weight for device: ${text}`);
  return weight;
}

function bytesPerSecond(text: string, flag: string): number {
  const value = text.split(":")[1] ?? "";
  try {
    const rate = ramBytes(value, `--${flag}`);
    if (rate >= 0) return rate;
  } catch {
    // told below, with the device
  }
  return refuse(
    text,
    flag,
    `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
  );
}

function requestsPerSecond(text: string, flag: string): number {
  const value = text.split(":")[1] ?? "";
  if (!/^\d+$/.test(value))
    refuse(text, flag, `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`);
  return Number(value);
}
