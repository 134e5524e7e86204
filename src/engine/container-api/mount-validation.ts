import { existsSync } from "node:fs";
import { posix } from "node:path";
import type { HostConfig, MountSpec } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

const propagations = ["private", "rprivate", "slave", "rslave", "shared", "rshared"];

/** `HostConfig.Mounts`, each as a Docker engine looks at it (moby, volume/mounts). @throws BerthError container/bad-config */
export function checkMountSpecs(hc: HostConfig): void {
  const options = [
    ["VolumeOptions", "volume"],
    ["BindOptions", "bind"],
    ["TmpfsOptions", "tmpfs"],
  ] as const;
  for (const spec of hc.Mounts ?? [])
    for (const [field, type] of options)
      if (spec[field] && spec.Type !== type)
        throw new BerthError("container/bad-config", `${field} must not be specified on mount type "${spec.Type ?? ""}"`);
  for (const spec of hc.Mounts ?? []) {
    const fault = mountFault(spec);
    if (fault) throw new BerthError("container/bad-config", `invalid mount config for type "${spec.Type ?? ""}": ${fault}`, hintFor(spec));
  }
}

function hintFor(spec: MountSpec): { hint?: string } {
  return spec.Type === "bind" && spec.Source?.startsWith("/")
    ? { hint: "Create it, or write the mount in its short form, which creates directories." }
    : {};
}

function mountFault(spec: MountSpec, o: { sourceMustExist: boolean } = { sourceMustExist: true }): string | undefined {
  const target = spec.Target ?? "";
  if (target === "") return "field Target must not be empty";
  if (posix.normalize(target) === "/") return "invalid specification: destination can't be '/'";
  if (!target.startsWith("/")) return `invalid mount path: '${target}' mount path must be absolute`;
  switch (spec.Type) {
    case "bind":
      return bindFault(spec, o.sourceMustExist);
    case "volume":
      if (spec.BindOptions) return "field BindOptions must not be specified";
      if (spec.ImageOptions) return "field ImageOptions must not be specified";
      return (
        subpathFault(spec, spec.VolumeOptions?.Subpath) ??
        (spec.ReadOnly && !spec.Source ? "must not set ReadOnly mode when using anonymous volumes" : undefined)
      );
    case "tmpfs":
      if (spec.ImageOptions) return "field ImageOptions must not be specified";
      return spec.Source ? "field Source must not be specified" : tmpfsFault(spec);
    case "image":
      return spec.Source ? subpathFault(spec, spec.ImageOptions?.Subpath) : "field Source must not be empty";
    default:
      return "mount type unknown";
  }
}

function bindFault(spec: MountSpec, mustExist: boolean): string | undefined {
  const source = spec.Source ?? "";
  if (source === "") return "field Source must not be empty";
  const propagation = spec.BindOptions?.Propagation;
  if (propagation && !propagations.includes(propagation)) return `invalid propagation mode: ${propagation}`;
  if (spec.ImageOptions) return "field ImageOptions must not be specified";
  if (!source.startsWith("/")) return `invalid mount path: '${source}' mount path must be absolute`;
  if (mustExist && !spec.BindOptions?.CreateMountpoint && !existsSync(source)) return `bind source path does not exist: ${source}`;
  return undefined;
}

/** A specification takes flags alone: for the rest it has fields. */
function tmpfsFault({ TmpfsOptions: options }: MountSpec): string | undefined {
  const odd = options?.Options?.find(([name = "", ...value]) => value.length > 0 || (name !== "exec" && name !== "noexec"));
  return odd && `invalid option: ${odd[0] ?? ""}`;
}

function subpathFault(spec: MountSpec, subpath: string | undefined): string | undefined {
  if (!subpath) return undefined;
  if (!spec.Source) return "must not set Subpath when using anonymous volumes";
  return subpath.startsWith("/") || posix.normalize(subpath).split("/")[0] === ".."
    ? "subpath must be a relative path within the volume"
    : undefined;
}

/** `HostConfig.Binds`: what is none is, for Docker, a fault of its own (500). @throws BerthError api/unreadable-value */
export function checkBinds(binds: readonly string[]): void {
  const targets = new Set<string>();
  for (const text of binds) {
    const fault = bindTextFault(text);
    const target = posix.normalize(text.split(":")[text.includes(":") ? 1 : 0] ?? "");
    if (!fault && targets.has(target)) throw new BerthError("container/bad-config", `Duplicate mount point: ${target}`);
    targets.add(target);
    if (fault) throw new BerthError("api/unreadable-value", fault, { hint: "It has the form source:/target[:options]." });
  }
}

function bindTextFault(text: string): string | undefined {
  const invalid = `invalid volume specification: '${text}'`;
  const [first = "", second, mode = "", ...more] = text.split(":");
  if (first === "" || more.length > 0 || (second !== undefined && mode === "" && isMode(second) && text.split(":").length === 2))
    return invalid;
  if (!isMode(mode)) return `invalid mode: ${mode}`;
  const source = second === undefined ? "" : first;
  if (!source.startsWith("/") && mode.split(",").some((word) => propagations.includes(word)))
    return `${invalid}: invalid mount config for type "volume": field BindOptions must not be specified`;
  const spec: MountSpec = {
    Type: source.startsWith("/") ? "bind" : "volume",
    Source: source,
    Target: second === undefined ? first : second,
    // A propagation makes it the mount of a directory, which a volume is not.
    ...(mode.split(",").some((word) => propagations.includes(word)) ? { BindOptions: {} } : {}),
  };
  const fault = mountFault(spec, { sourceMustExist: false });
  return fault ? `${invalid}: invalid mount config for type "${spec.Type}": ${fault}` : undefined;
}

/** Words of one kind exclude each other. */
const modeKinds: readonly (readonly string[])[] = [
  ["rw", "ro", "rro"],
  ["z", "Z"],
  propagations,
  ["nocopy"],
  ["consistent", "cached", "delegated"],
];

/** `HostConfig.VolumesFrom`. @throws BerthError container/bad-config */
export function checkVolumesFrom(texts: readonly string[]): void {
  for (const text of texts) {
    if (text === "") throw new BerthError("container/bad-config", "volumes-from specification cannot be an empty string");
    const [, mode = ""] = text.split(/:(.*)/s);
    const isShared = mode.split(",").some((word) => propagations.includes(word) || word === "nocopy");
    if (!isMode(mode) || isShared) throw new BerthError("container/bad-config", `invalid mode: ${mode}`);
  }
}

function isMode(text: string): boolean {
  if (text === "") return true;
  const kinds = text.split(",").map((word) => modeKinds.findIndex((kind) => kind.includes(word)));
  return !kinds.includes(-1) && new Set(kinds).size === kinds.length;
}
