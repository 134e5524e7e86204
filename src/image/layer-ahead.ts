import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LayerDigest } from "./layer-job.ts";
import type { LayerWorkers, RunningJob } from "./layer-workers.ts";
import type { Trash } from "./trash.ts";

export interface UnpackedLayer extends LayerDigest {
  readonly directory: string;
}

/** So much has to be new before the thread is told of it. */
const stepBytes = 1 << 20;

/**
 * A layer's archive that is unpacked while it is still being written to a file, before anybody knows where in an image it belongs. Without the
 * layers below not every archive can be unpacked (hard links into them): then there is no result, and it is unpacked later.
 */
export class LayerAhead {
  private readonly job: RunningJob;
  private readonly work: string;
  private readonly trash: Trash;
  private told = 0;

  /** `work` is a directory of its own, on the file system of the layers. */
  constructor(o: { workers: LayerWorkers; trash: Trash; work: string; file: string }) {
    this.work = o.work;
    this.trash = o.trash;
    mkdirSync(this.directory, { mode: 0o755 });
    const { directory } = this;
    this.job = o.workers.begin({ kind: "unpack", directory, file: o.file, grows: true, lowerDirs: [], whiteouts: true });
  }

  /** The file has so many bytes now. */
  written(bytes: number): void {
    if (bytes - this.told < stepBytes) return;
    this.told = bytes;
    this.job.say({ upTo: bytes });
  }

  /** The file is complete. The diff id is of what it holds, decompressed. */
  async finish(bytes: number): Promise<UnpackedLayer | undefined> {
    this.job.say({ upTo: bytes });
    this.job.say({ end: true });
    const result = await this.job.result.catch(() => undefined);
    return result ? { ...result, directory: this.directory } : undefined;
  }

  /** Has to be called in the end, whether or not the directory was taken. */
  async discard(): Promise<void> {
    this.job.say({ stop: "not needed" });
    await this.job.result.catch(() => undefined);
    this.trash.discard(this.work);
  }

  private get directory(): string {
    return join(this.work, "d");
  }
}
