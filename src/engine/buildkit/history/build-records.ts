import type { Protocol } from "../protocol.ts";
import type { SolveJob } from "../solve-job.ts";
import type { SolveJobs } from "../solve-jobs.ts";
import { type BuildRecord, buildRecord } from "./build-record.ts";

/** The records of the builds that are remembered; those that ended are put together once, when they are first asked for. */
export class BuildRecords {
  readonly #o: { jobs: SolveJobs; protocol: Protocol };
  readonly #ended = new WeakMap<SolveJob, BuildRecord>();

  constructor(o: { jobs: SolveJobs; protocol: Protocol }) {
    this.#o = o;
  }

  of(job: SolveJob): BuildRecord {
    const known = this.#ended.get(job);
    if (known) return known;
    const record = buildRecord(job, this.#o.protocol);
    if (job.completedMs !== undefined) this.#ended.set(job, record);
    return record;
  }

  /** Something that belongs to a build. */
  blob(digest: string): Buffer | undefined {
    for (const job of this.#o.jobs.list()) {
      const bytes = this.#ended.get(job)?.blobs.get(digest);
      if (bytes) return bytes;
    }
    return undefined;
  }
}
