import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { readJsonFile, writeFileAtomic } from "../../../system/index.ts";
import type { Manifest } from "./receive-tree.ts";

/** A directory of a client as it was sent last. */
export interface LocalSource {
  readonly id: string;
  readonly description: string;
  readonly bytes: number;
  readonly createdMs: number;
  readonly lastUsedMs: number;
  readonly inUse: boolean;
}

export interface Lease {
  readonly directory: string;
  /** What the directory holds now; empty where it has to be sent as a whole. */
  readonly manifest: Manifest;
  /** Has to be called before anything of the directory is changed. */
  change(): void;
  /** Says what it holds after a complete transfer; without it the directory is emptied before its next use. */
  keep(manifest: Manifest, description: string): void;
  release(): void;
}

/** `about.json`, beside the manifest because that can be long. */
interface About {
  readonly description: string;
  readonly bytes: number;
  readonly createdMs: number;
}

const unusedMs = 48 * 3_600_000;

/**
 * Directories that clients sent, kept so that the next build of the same directory needs only what changed: `<root>/<key>-<n>/tree` with
 * `sent.json` (its manifest) and `about.json` beside it. One build at a time uses one; a second build of the same directory gets another. What nobody used for two days goes.
 */
export class LocalSources {
  readonly #root: string;
  readonly #leased = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(root))
      if (!existsSync(join(root, name, "sent.json"))) rmSync(join(root, name), { recursive: true, force: true });
  }

  /** `key` names what is sent. Without `reuse` the directory goes when it is released. */
  lease(key: string, o: { reuse: boolean }): Lease {
    const prefix = createHash("sha256").update(key).digest("hex").slice(0, 24);
    let number = 0;
    while (this.#leased.has(`${prefix}-${number}`)) number++;
    const id = `${prefix}-${number}`;
    this.#leased.add(id);
    const [directory, file] = [join(this.#root, id, "tree"), join(this.#root, id, "sent.json")];
    const manifest = read<Manifest>(file);
    const before = read<About>(join(this.#root, id, "about.json"));
    if (!manifest) rmSync(join(this.#root, id), { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    let kept = false;
    return {
      directory,
      manifest: manifest ?? {},
      // Until the transfer is complete nobody knows what it holds.
      change: () => rmSync(file, { force: true }),
      keep: (sent, description) => {
        kept = o.reuse;
        if (sent === manifest) return utimesSync(file, new Date(), new Date());
        const bytes = Object.values(sent).reduce((sum, text) => sum + (Number(text.split(" ")[3]) || 0), 0);
        const about: About = { description, bytes, createdMs: before?.createdMs ?? Date.now() };
        writeFileAtomic(join(this.#root, id, "about.json"), JSON.stringify(about));
        writeFileAtomic(file, JSON.stringify(sent));
      },
      release: () => {
        this.#leased.delete(id);
        if (!kept) this.remove(id);
        this.prune({ unusedForMs: unusedMs });
      },
    };
  }

  list(): LocalSource[] {
    return readdirSync(this.#root).flatMap((id) => {
      const file = join(this.#root, id, "sent.json");
      const about = read<About>(join(this.#root, id, "about.json"));
      if (!about || !existsSync(file)) return [];
      const { description, bytes, createdMs } = about;
      return [{ id, description, bytes, createdMs, lastUsedMs: statSync(file).mtimeMs, inUse: this.#leased.has(id) }];
    });
  }

  /** Removes what is not in use and was not used for so long; answers what went. */
  prune(o: { unusedForMs: number }): LocalSource[] {
    const now = Date.now();
    const gone = this.list().filter((source) => !source.inUse && now - source.lastUsedMs >= o.unusedForMs);
    for (const { id } of gone) this.remove(id);
    return gone;
  }

  remove(id: string): void {
    rmSync(join(this.#root, id), { recursive: true, force: true });
  }
}

function read<T>(file: string): T | undefined {
  try {
    return readJsonFile(file) as T | undefined; // only keep() writes it
  } catch {
    return undefined; // as if it had never been sent
  }
}
