import { lstatSync, realpathSync } from "node:fs";
import { isAbsolute, join, sep } from "node:path";
import type { Problems } from "./problems.ts";
import { Patterns } from "./yaml/patterns.ts";
import { List, Mapping, type Path, Scalar, type Tree } from "./yaml/tree.ts";

/** What paths are relative to, and where `~` is. */
export interface PathBase {
  readonly directory: string;
  readonly home: string | undefined;
}

type Resolve = (path: string, base: PathBase) => string;

/** Makes a path absolute; `~` is the home directory, an empty path stays empty. */
function absolutePath(path: string, { directory, home }: PathBase): string {
  if (path === "") return path;
  const expanded = path.startsWith("~") && home !== undefined ? joined(home, path.slice(1)) : path;
  return isAbsolute(expanded) || isWindowsPath(expanded) ? expanded : joined(directory, expanded);
}

/** Go's filepath.Join: a clean path without a slash at its end. */
export function joined(directory: string, path: string): string {
  const result = join(directory, path);
  return result.length > 1 && result.endsWith(sep) ? result.slice(0, -1) : result;
}

const sourcePath: Resolve = (path, base) => (path === "" ? base.directory : absolutePath(path, base));

const contextPath: Resolve = (path, base) => (isRemoteContext(path) ? path : absolutePath(path, base));

const watchedPath: Resolve = (path, base) => withoutLinks(absolutePath(path, base));

/** Attributes that are paths on the host (compose-go, paths/resolve.go). */
const resolvers = Patterns.of<Resolve>({
  "services.*.build.context": contextPath,
  "services.*.build.additional_contexts.*": contextPath,
  "services.*.build.ssh.*": sourcePath,
  "services.*.env_file.*.path": absolutePath,
  "services.*.label_file.*": absolutePath,
  "services.*.extends.file": (path, base) => (isRemoteFile(path) ? path : absolutePath(path, base)),
  "services.*.develop.watch.*.path": watchedPath,
  "configs.*.file": sourcePath,
  "secrets.*.file": sourcePath,
});

/** Makes the paths of a project absolute. Changes the tree. */
export function resolvePaths(root: Mapping, base: PathBase, problems: Problems): void {
  walk(root, resolvers, base);
  resolveMounts(root, base, problems);
  resolveVolumeDevices(root, base);
}

function walk(tree: Tree, rules: Patterns<Resolve>, base: PathBase): Tree {
  if (rules.rule && tree instanceof Scalar && typeof tree.value === "string") return new Scalar(rules.rule(tree.value, base), tree.origin);
  if (tree instanceof Mapping) {
    for (const [key, value] of tree.entries) {
      const next = rules.at(key);
      if (next) tree.entries.set(key, walk(value, next, base));
    }
  } else if (tree instanceof List) {
    const next = rules.at(0);
    if (next) for (const [index, item] of tree.items.entries()) tree.items[index] = walk(item, next, base);
  }
  return tree;
}

function resolveMounts(root: Mapping, base: PathBase, problems: Problems): void {
  const services = root.get("services");
  if (!(services instanceof Mapping)) return;
  for (const [name, service] of services.entries) {
    const volumes = service instanceof Mapping ? service.get("volumes") : undefined;
    if (!(volumes instanceof List)) continue;
    for (const [index, volume] of volumes.items.entries()) {
      if (!(volume instanceof Mapping) || textAt(volume, "type") !== "bind") continue;
      const source = textAt(volume, "source");
      const path: Path = ["services", name, "volumes", index];
      if (source === undefined) problems.error("spec/value", "a bind mount needs a source", { origin: volume.origin, path });
      else volume.set("source", new Scalar(sourcePath(source, base), volume.get("source")?.origin));
    }
  }
}

/** `driver_opts: { o: bind, device: ./data }` is a bind mount under the name of a volume. */
function resolveVolumeDevices(root: Mapping, base: PathBase): void {
  const volumes = root.get("volumes");
  if (!(volumes instanceof Mapping)) return;
  for (const volume of volumes.entries.values()) {
    if (!(volume instanceof Mapping) || textAt(volume, "driver") !== "local") continue;
    const options = volume.get("driver_opts");
    if (!(options instanceof Mapping) || textAt(options, "o") !== "bind") continue;
    const device = textAt(options, "device");
    if (device !== undefined) options.set("device", new Scalar(sourcePath(device, base), options.get("device")?.origin));
  }
}

function textAt(mapping: Mapping, key: string): string | undefined {
  const value = mapping.get(key);
  return value instanceof Scalar && typeof value.value === "string" ? value.value : undefined;
}

/** A context that a builder fetches: a repository, an archive, or one of its own kinds. */
function isRemoteContext(path: string): boolean {
  return path.includes("://") || path.startsWith("service:") || /^(github\.com\/|git@)/.test(path);
}

/** A file that Compose would fetch: from a repository or a registry. */
export function isRemoteFile(path: string): boolean {
  return /^(git|ssh|https?|oci):\/\//.test(path) || /^(github\.com\/|git@)/.test(path);
}

function isWindowsPath(path: string): boolean {
  return /^[a-zA-Z]:[\\/]/.test(path) || path.startsWith("\\\\");
}

/** Watches report real paths: the first symbolic link of the path is followed. */
function withoutLinks(path: string): string {
  let current: string = sep;
  for (const part of path.split(sep).filter(Boolean)) {
    current = join(current, part);
    try {
      if (lstatSync(current).isSymbolicLink()) return path.replace(current, realpathSync(current));
    } catch {
      return path; // what is not there has no links
    }
  }
  return path;
}
