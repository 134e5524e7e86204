import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImageStore } from "../../src/image/index.ts";

/** Image stores of one test file, and a directory for what else it writes; all of it goes with the disposal. */
export class ImageStores implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "image-stores-"));
  readonly #stores: ImageStore[] = [];

  /** A new and empty store, open. */
  make(): ImageStore {
    const rootDir = join(this.directory, `store-${this.#stores.length}`);
    mkdirSync(rootDir);
    const store = new ImageStore({ rootDir });
    store.open();
    this.#stores.push(store);
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#stores) await store.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
