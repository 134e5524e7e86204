import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { VolumeSnapshot } from "../api/index.ts";
import { BerthError, readJsonFile, run, writeFileAtomic } from "../system/index.ts";
import type { Volumes } from "./volumes.ts";

/**
 * Copies of a project's volumes at one time: `<root>/volume-snapshots/<project>/<name>/{snapshot.json, <volume>/}`. A copy shares its blocks with the original
 * where the file system can (btrfs, xfs, zfs, bcachefs), so that it takes neither time nor room; elsewhere it is a plain copy. One process a volume.
 * Invariant: what has a snapshot.json is complete. Nothing may write to a volume meanwhile: whoever calls has stopped what uses it.
 */
export class VolumeSnapshots {
  readonly #root: string;
  readonly #volumes: Volumes;

  constructor(root: string, volumes: Volumes) {
    this.#root = join(root, "volume-snapshots");
    this.#volumes = volumes;
  }

  /** The oldest first. */
  list(project: string): VolumeSnapshot[] {
    const directory = join(this.#root, project);
    if (!existsSync(directory)) return [];
    const all = readdirSync(directory).flatMap((name) => {
      const file = join(directory, name, "snapshot.json");
      return existsSync(file) ? [readJsonFile(file) as VolumeSnapshot] : []; // written by take
    });
    return all.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** @throws BerthError volume/no-snapshot with what there is */
  get(project: string, name: string | undefined): VolumeSnapshot {
    const all = this.list(project);
    const found = name === undefined ? all.at(-1) : all.find((one) => one.name === name);
    if (found) return found;
    throw new BerthError(
      "volume/no-snapshot",
      name === undefined ? `project ${project} has no snapshot` : `project ${project} has no snapshot "${name}"`,
      {
        hint: all.length > 0 ? `It has: ${all.map((one) => one.name).join(", ")}.` : "`berth volume snapshot` makes one.",
      },
    );
  }

  /** @throws BerthError volume/snapshot-exists, volume/foreign-data */
  async take(project: string, name: string, volumes: readonly string[]): Promise<VolumeSnapshot> {
    checkName(name);
    const directory = join(this.#root, project, name);
    if (existsSync(join(directory, "snapshot.json")))
      throw new BerthError("volume/snapshot-exists", `project ${project} has a snapshot "${name}" already`, {
        hint: `Give another name, or remove that one: \`berth volume rm-snapshot ${name}\`.`,
      });
    rmSync(directory, { recursive: true, force: true }); // what a killed engine left
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    try {
      for (const volume of volumes) await copyTree(this.#dataOf(volume), join(directory, volume));
      const kept = volumes.map((volume) => ({ name: volume, labels: this.#volumes.get(volume).Labels }));
      const snapshot: VolumeSnapshot = { name, project, createdAt: new Date().toISOString(), volumes: kept };
      writeFileAtomic(join(directory, "snapshot.json"), JSON.stringify(snapshot));
      return snapshot;
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Puts the volumes' content of then in the place of that of now; a volume that is gone is made again. */
  async restore(snapshot: VolumeSnapshot): Promise<void> {
    for (const { name, labels } of snapshot.volumes) {
      this.#volumes.create(name, { Labels: labels });
      const data = this.#dataOf(name);
      const [fresh, old] = [`${data}.restored`, `${data}.old`];
      for (const left of [fresh, old]) await rm(left, { recursive: true, force: true });
      await copyTree(join(this.#root, snapshot.project, snapshot.name, name), fresh);
      renameSync(data, old);
      renameSync(fresh, data);
      await rm(old, { recursive: true, force: true });
      this.#volumes.markUsed(name);
    }
  }

  remove(project: string, name: string): void {
    this.get(project, name);
    rmSync(join(this.#root, project, name), { recursive: true, force: true });
  }

  #dataOf(name: string): string {
    const { Mountpoint: path, Options: options } = this.#volumes.get(name);
    if (options?.["device"])
      throw new BerthError("volume/foreign-data", `volume ${name} shows ${options["device"]}, which is not Berth's to copy`, {
        hint: "Name the other volumes: `berth volume snapshot --volume NAME`.",
      });
    return path;
  }
}

/** Owners, modes, times, links, attributes and holes stay. */
async function copyTree(from: string, to: string): Promise<void> {
  await run("cp", ["-a", "--reflink=auto", "--sparse=auto", "-T", "--", from, to], { timeoutMs: 3_600_000 });
}

function checkName(name: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name))
    throw new BerthError("volume/bad-name", `"${name}" is no name for a snapshot: it must be letters, digits, "_", "." and "-"`);
}
