import { join } from "node:path";
import { writeFileAtomic } from "../system/index.ts";
import type { Reference } from "./reference.ts";

/** Which image a full name ("docker.io/library/debian:bookworm") means: `refs.json` of a store, e.g. {"tags":{"docker.io/library/debian:bookworm":"sha256:.."}}. */
export class ImageNames {
  private readonly file: string;
  private readonly ids = new Map<string, string>();
  private readonly names = new Map<string, Set<string>>();

  constructor(rootDir: string) {
    this.file = join(rootDir, "refs.json");
  }

  /** Takes over what was read; names of images that are not here are dropped. */
  load(tags: Readonly<Record<string, string>>, isHere: (id: string) => boolean): void {
    for (const [name, id] of Object.entries(tags)) if (isHere(id)) this.put(name, id);
  }

  idOf(name: string): string | undefined {
    return this.ids.get(name);
  }

  /** In their order, which is Docker's. */
  of(id: string): string[] {
    return [...(this.names.get(id) ?? [])].sort();
  }

  inRepository({ domain, repository }: Reference): string[] {
    return [...this.ids.keys()].filter((name) => name.startsWith(`${domain}/${repository}:`)).sort();
  }

  /** An older image of that name loses it. False: it was so already. */
  set(name: string, id: string): boolean {
    if (this.ids.get(name) === id) return false;
    this.take(name);
    this.put(name, id);
    return true;
  }

  delete(name: string): void {
    this.take(name);
  }

  write(): void {
    writeFileAtomic(this.file, JSON.stringify({ tags: Object.fromEntries(this.ids) }));
  }

  private put(name: string, id: string): void {
    this.ids.set(name, id);
    const names = this.names.get(id) ?? new Set();
    names.add(name);
    this.names.set(id, names);
  }

  private take(name: string): void {
    const id = this.ids.get(name);
    if (id === undefined) return;
    this.ids.delete(name);
    this.names.get(id)?.delete(name);
  }
}
