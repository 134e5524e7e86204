import { resolve } from "node:path";
import type { MountSpec } from "../../../api/index.ts";
import { ramBytes } from "../bytes.ts";
import { UsageError } from "../usage-error.ts";

/** `--mount type=bind,source=./a,target=/b,readonly` as the API's mount (docker-run(1), --mount). @throws UsageError in Docker's words */
export function mountSpec(text: string, cwd: string): MountSpec {
  const fail = (why: string): never => {
    throw new UsageError(`invalid argument ${JSON.stringify(text)} for "--mount" flag: ${why}`);
  };
  const mount: MountSpec = { Type: "volume", Target: "" };
  for (const field of text.split(",")) {
    const at = field.indexOf("=");
    const key = (at < 0 ? field : field.slice(0, at)).trim().toLowerCase();
    const value = at < 0 ? "true" : field.slice(at + 1);
    const on = value === "true" || value === "1";
    if (switches.has(key) && !["true", "false", "1", "0"].includes(value)) fail(`invalid value for ${key}: ${value}`);
    if (at < 0 && !switches.has(key)) fail(`invalid field '${field}' must be a key=value pair`);
    switch (key) {
      case "type":
        mount.Type = value.toLowerCase() as MountSpec["Type"]; // the engine names a type that it does not know
        break;
      case "source":
      case "src":
        mount.Source = value;
        break;
      case "target":
      case "dst":
      case "destination":
        mount.Target = value;
        break;
      case "readonly":
      case "ro":
        mount.ReadOnly = on;
        break;
      case "consistency":
        mount.Consistency = value;
        break;
      case "bind-propagation":
        mount.BindOptions = { ...mount.BindOptions, Propagation: value };
        break;
      case "bind-recursive":
        if (value === "disabled") mount.BindOptions = { ...mount.BindOptions, NonRecursive: true };
        else if (value === "writable") mount.BindOptions = { ...mount.BindOptions, ReadOnlyNonRecursive: true };
        else if (value === "readonly") mount.BindOptions = { ...mount.BindOptions, ReadOnlyForceRecursive: true };
        else if (value !== "enabled") fail(`invalid value for ${key}: ${value}`);
        break;
      case "volume-nocopy":
        mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: on };
        break;
      case "volume-subpath":
        mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
        break;
      case "volume-label":
        mount.VolumeOptions = { ...mount.VolumeOptions, Labels: { ...mount.VolumeOptions?.Labels, ...pair(value) } };
        break;
      case "volume-driver":
        mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...mount.VolumeOptions?.DriverConfig, Name: value } };
        break;
      case "volume-opt": {
        const driver = mount.VolumeOptions?.DriverConfig;
        mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...driver, Options: { ...driver?.Options, ...pair(value) } } };
        break;
      }
      case "image-subpath":
        mount.ImageOptions = { Subpath: value };
        break;
      case "tmpfs-size":
        mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: sizeOf(value, () => fail(`invalid value for ${key}: ${value}`)) };
        break;
      case "tmpfs-mode":
        if (!/^[0-7]+$/.test(value)) fail(`invalid value for ${key}: ${value}`);
        mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
        break;
      default:
        fail(`unexpected key '${key}' in '${field}'`);
    }
  }
  if (mount.Target === "") fail("target is required");
  for (const [kind, options] of [
    ["volume", mount.VolumeOptions],
    ["bind", mount.BindOptions],
    ["tmpfs", mount.TmpfsOptions],
    ["image", mount.ImageOptions],
  ] as const)
    if (options && mount.Type !== kind) fail(`cannot mix '${kind}-*' options with mount type '${mount.Type}'`);
  if (mount.Type === "bind" && mount.Source && /^\.{1,2}(\/|$)/.test(mount.Source)) mount.Source = resolve(cwd, mount.Source);
  return mount;
}

/** Keys that may stand without a value. */
const switches = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive"]);

function sizeOf(text: string, fail: () => never): number {
  return /^\d+(\.\d+)? ?[kmgtp]?i?b?$/i.test(text) ? ramBytes(text, "--mount") : fail();
}

function pair(text: string): Record<string, string> {
  const at = text.indexOf("=");
  return at < 0 ? { [text]: "" } : { [text.slice(0, at)]: text.slice(at + 1) };
}
