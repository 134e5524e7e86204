import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { memoryDirectory, releaseMemory } from "./memory-directory.ts";

/**
 * Where things of a container are: `<root>/containers/<id>/` (upper, work, log) outlives a reboot, `<run>/c/<id>/` (bundle, pid files, hosts files) does not and is in memory.
 * conmon unlinks `<dir>/<id>` in its exit and socket directories, so that they are directories of their own.
 */
export class ContainerPaths {
  readonly #o: { root: string; run: string; instance: string };

  constructor(o: { root: string; run: string; instance: string }) {
    this.#o = { ...o, run: memoryDirectory(o.run) };
    for (const directory of [
      this.exitDir,
      this.socketDir,
      this.stateDir,
      this.seccompDir,
      join(this.#o.run, "c"),
      join(o.root, "containers"),
    ])
      mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** Gives the memory back where nothing runs. */
  close(): void {
    releaseMemory(this.#o.run);
  }

  get exitDir(): string {
    return join(this.#o.run, "x");
  }
  get socketDir(): string {
    return join(this.#o.run, "a");
  }
  /** The low-level runtime's own. */
  get stateDir(): string {
    return join(this.#o.run, "crun");
  }
  get seccompDir(): string {
    return join(this.#o.run, "seccomp");
  }
  bundle(id: string): string {
    return join(this.#o.run, "c", id);
  }
  rootfs(id: string): string {
    return join(this.bundle(id), "rootfs");
  }
  state(id: string): string {
    return join(this.stateDir, id);
  }
  directory(id: string): string {
    return join(this.#o.root, "containers", id);
  }
  /** What was removed and is still to be deleted; beside what it was, because a rename stays on one file system. */
  get removedDirectories(): string {
    return this.directory("removed");
  }
  get removedBundles(): string {
    return this.bundle("removed");
  }
  logPath(id: string): string {
    return join(this.directory(id), "ctr.log");
  }
  cgroupsPath(id: string): string {
    return `/berth-${this.#o.instance}/${id}`;
  }
}
