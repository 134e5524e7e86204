import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Volume, VolumeCreateBody } from "../api/index.ts";
import { BerthError, readJsonFile, removeTree, run, syscalls, umountFlag, writeFileAtomic } from "../system/index.ts";
import { isMounted } from "./mounted.ts";
import { mountVolume } from "./volume-mount.ts";

/** No volume has such a name. */
const removedPrefix = ".removed-";

/**
 * Named volumes: `<root>/volumes/<name>/_data`, with a record beside it. The local driver's options (type, o, device) are mounted over `_data` while a container uses it, and
 * not longer: somebody else's files below our root would go with whoever deletes it.
 */
export class Volumes {
  readonly #root: string;
  readonly #volumes = new Map<string, Volume>();
  readonly #mounting = new Map<string, Promise<void>>();
  /** Containers that use what a volume's options mount, by the volume's name. */
  readonly #users = new Map<string, Set<string>>();

  constructor(root: string) {
    this.#root = join(root, "volumes");
    mkdirSync(this.#root, { recursive: true, mode: 0o711 });
  }

  /** Answers the records that could not be read (moved aside). */
  open(): string[] {
    const bad: string[] = [];
    for (const name of readdirSync(this.#root)) {
      if (name.startsWith(removedPrefix)) {
        unmountAll(join(this.#root, name, "_data")); // what is mounted there is not ours to delete
        rmSync(join(this.#root, name), { recursive: true, force: true }); // by an engine that was killed meanwhile
        continue;
      }
      const file = join(this.#root, name, "volume.json");
      try {
        const volume = readJsonFile(file) as Volume | undefined; // written by create
        if (volume) this.#volumes.set(volume.Name, volume);
      } catch {
        const aside = `${file}.corrupt-${Date.now()}`;
        renameSync(file, aside);
        bad.push(aside);
      }
    }
    return bad;
  }

  list(): Volume[] {
    return [...this.#volumes.values()];
  }
  find(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }
  /** @throws BerthError volume/not-found */
  get(name: string): Volume {
    const volume = this.#volumes.get(name);
    if (!volume) throw new BerthError("volume/not-found", `get ${name}: no such volume`);
    return volume;
  }

  /** Idempotent by name, as Docker's. */
  create(name: string, body: VolumeCreateBody): Volume {
    const there = this.#volumes.get(name);
    if (there) return there;
    if (body.Driver && body.Driver !== "local")
      throw new BerthError(
        "volume/unknown-driver",
        `create ${name}: error looking up volume plugin ${body.Driver}: plugin "${body.Driver}" not found`,
        {
          hint: "Berth has the local driver.",
        },
      );
    if (name.length === 1)
      throw new BerthError(
        "volume/bad-name",
        `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
      );
    checkOptions(name, body.DriverOpts ?? {});
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
      throw new BerthError(
        "volume/bad-name",
        `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      );
    }
    const directory = join(this.#root, name);
    mkdirSync(join(directory, "_data"), { recursive: true, mode: 0o755 });
    const options = body.DriverOpts ?? null;
    const volume: Volume = {
      Name: name,
      Driver: "local",
      Mountpoint: join(directory, "_data"),
      CreatedAt: new Date().toISOString(),
      Labels: body.Labels ?? {},
      Scope: "local",
      Options: options,
    };
    // The mark says that no container has used it: the first one copies the image's content in.
    writeFileSync(join(directory, "new"), "");
    writeFileAtomic(join(directory, "volume.json"), JSON.stringify(volume));
    this.#volumes.set(name, volume);
    return volume;
  }

  /** It has its content: no container's image is to be copied in. */
  markUsed(name: string): void {
    rmSync(join(this.#root, name, "new"), { force: true });
  }

  /** One that was made a moment ago and that nobody has used. */
  discard(name: string): void {
    this.#volumes.delete(name);
    rmSync(join(this.#root, name), { recursive: true, force: true });
  }

  /** Its name is free at once; the answer comes when its files are gone as well, which may be many. */
  async remove(name: string): Promise<void> {
    const volume = this.get(name);
    unmountAll(volume.Mountpoint);
    const aside = join(this.#root, `${removedPrefix}${randomUUID()}`);
    renameSync(join(this.#root, name), aside);
    this.#volumes.delete(name);
    await removeTree(aside);
  }

  /** Makes a volume ready to be bound: mounts what its options name, and on the first use copies the image's content at `inside` (a host path) in. Answers the path to bind. `user` is the container, until its release. */
  async prepare(name: string, o: { user: string; inside?: string; noCopy: boolean; subpath?: string }): Promise<string> {
    const volume = this.get(name);
    this.hold(o.user, [name]);
    await this.#mount(volume);
    const mark = join(this.#root, name, "new");
    if (existsSync(mark)) {
      if (
        o.inside &&
        !o.noCopy &&
        existsSync(o.inside) &&
        statSync(o.inside).isDirectory() &&
        readdirSync(volume.Mountpoint).length === 0
      ) {
        // cp keeps owners, modes, links and attributes; Node's own copy does not.
        await run("cp", ["-a", "--", `${o.inside}/.`, volume.Mountpoint], { timeoutMs: 600_000 });
      }
      rmSync(mark, { force: true });
    }
    if (!o.subpath) return volume.Mountpoint;
    return subpathOf(volume.Mountpoint, o.subpath);
  }

  /** A container uses these volumes. */
  hold(user: string, names: readonly string[]): void {
    for (const name of names) {
      if (!this.#volumes.get(name)?.Options?.["device"]) continue;
      const users = this.#users.get(name) ?? new Set();
      this.#users.set(name, users.add(user));
    }
  }

  /** A container uses no volume any more: what was mounted for it alone is unmounted. */
  release(user: string): void {
    for (const [name, users] of this.#users) {
      if (!users.delete(user) || users.size > 0) continue;
      this.#users.delete(name);
      const volume = this.#volumes.get(name);
      if (volume) unmountAll(volume.Mountpoint);
    }
  }

  /** Once everybody who uses something has said so: unmounts what a former engine has left for nobody. */
  releaseUnused(): void {
    for (const { Name, Options, Mountpoint } of this.#volumes.values())
      if (Options?.["device"] && !this.#users.has(Name)) unmountAll(Mountpoint);
  }

  /** Mounts what the options name, once, however many containers start at the same time: two mounts over each other would outlive the volume. */
  #mount({ Name, Mountpoint, Options }: Volume): Promise<void> {
    if (!Options?.["device"] || isMounted(Mountpoint)) return this.#mounting.get(Name) ?? Promise.resolve();
    const mounting = this.#mounting.get(Name) ?? mountVolume(Name, Options, Mountpoint).finally(() => this.#mounting.delete(Name));
    this.#mounting.set(Name, mounting);
    return mounting;
  }
}

/** Takes every mount off a path, also those below another one. */
function unmountAll(path: string): void {
  while (isMounted(path)) syscalls().umount(path, umountFlag.detach);
}

/** Options of the local driver. @throws BerthError runtime/bad-option */
/** A directory or file of a volume, with every link followed: what they lead out of the volume to is none of it. @throws BerthError volume/no-subpath */
function subpathOf(base: string, subpath: string): string {
  const path = join(base, subpath);
  let found: string;
  try {
    found = realpathSync(path);
  } catch (cause) {
    throw new BerthError("volume/no-subpath", `cannot access path ${path}: lstat ${path}: no such file or directory`, {
      hint: "The subpath must exist in the volume before the container starts.",
      cause,
    });
  }
  const root = realpathSync(base);
  if (found !== root && !found.startsWith(`${root}/`))
    throw new BerthError("container/bad-config", `path concatenation escapes the base directory, base: ${base}, subpath: ${subpath}`);
  return found;
}

function checkOptions(name: string, options: Readonly<Record<string, string>>): void {
  for (const key of Object.keys(options))
    if (!["type", "o", "device", "size"].includes(key))
      throw new BerthError("runtime/bad-option", `create ${name}: invalid option: "${key}"`, {
        hint: "The local driver has type, o and device.",
      });
  if (options["size"]) throw new BerthError("runtime/bad-option", `create ${name}: quota size requested but no quota support`);
  for (const key of ["device", "type"])
    if ((options["type"] || options["o"] || options["device"]) && !options[key])
      throw new BerthError("runtime/bad-option", `create ${name}: missing required option: "${key}"`);
}
