import { randomBytes } from "node:crypto";
import { renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

/** Removes directories in the background: gone for readers at once (renamed into `directory`); what stays goes when the store is opened again. */
export class Trash {
  private readonly directory: string;
  private readonly removals = new Set<Promise<void>>();

  constructor(directory: string) {
    this.directory = directory;
  }

  discard(path: string): void {
    const doomed = join(this.directory, `gone-${randomBytes(6).toString("hex")}`);
    try {
      renameSync(path, doomed);
    } catch {
      return; // not there; what could not be moved has no record, and goes when the store is opened next
    }
    const removal = rm(doomed, { recursive: true, force: true })
      .catch(() => undefined) // what is left of it goes when the store is opened next
      .finally(() => this.removals.delete(removal));
    this.removals.add(removal);
  }

  async settled(): Promise<void> {
    await Promise.all(this.removals);
  }
}
