import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { BerthError } from "../../system/index.ts";
import { type Call, jsonStream, sendEmpty } from "../http/http.ts";
import { flag } from "../http/query-values.ts";
import { Arrivals } from "./arrival.ts";
import { solveOfQuery } from "./build-query.ts";
import type { Protocol } from "./protocol.ts";
import type { SolveJobs } from "./solve-jobs.ts";
import type { Solver } from "./solver.ts";

/** How long a build waits for the context that its client sends with a second request. */
const uploadMs = 5_000;

interface Upload {
  readonly body: Readable;
  taken(): void;
}

/** `POST /build?version=2` and `/build/cancel`: the same builds as by /grpc, with their progress as JSON lines that carry its messages. */
export class QueryBuilds {
  readonly #o: { solver: Solver; jobs: SolveJobs; protocol: Protocol };
  readonly #running = new Map<string, AbortController>();
  readonly #uploads = new Map<string, Upload>();
  readonly #arrivals = new Arrivals();

  constructor(o: { solver: Solver; jobs: SolveJobs; protocol: Protocol }) {
    this.#o = o;
  }

  async build(call: Call): Promise<void> {
    const buildId = call.query.get("buildid") ?? "";
    if (buildId.startsWith("upload-request:")) return await this.#upload(call, buildId.slice("upload-request:".length));
    const ref = randomBytes(16).toString("hex");
    const { request, uploaded } = solveOfQuery(call.query, ref);
    const controller = new AbortController();
    call.signal.addEventListener("abort", () => controller.abort(new Error("context canceled")), { once: true });
    if (buildId !== "") this.#running.set(buildId, controller);
    try {
      const upload = call.query.get("remote") === "upload-request" ? await this.#uploadOf(buildId, controller.signal) : undefined;
      const stream = jsonStream(call.response, "\r\n");
      const solving = this.#o.solver.solve(request, controller.signal, uploaded ? (upload?.body ?? call.request) : undefined);
      const quiet = flag(call.query, "q");
      const told = quiet ? Promise.resolve() : this.#tell(ref, stream, controller.signal);
      // The steps are told to the end before an error is.
      const [solved] = await Promise.allSettled([solving.finally(() => upload?.taken()), told]);
      if (solved.status === "rejected") throw solved.reason;
      const response = solved.value;
      const id = response["containerimage.digest"];
      if (id !== undefined) stream.send({ id: "moby.image.id", aux: { ID: id } });
      if (id !== undefined && quiet) stream.send({ stream: `${id}\n` });
      stream.end();
    } finally {
      this.#running.delete(buildId);
    }
  }

  cancel(call: Call): void {
    const id = call.query.get("id");
    if (!id) throw new BerthError("api/bad-parameter", "build ID not provided");
    this.#running.get(id)?.abort(new Error("context canceled"));
    sendEmpty(call.response, 200);
  }

  async #tell(ref: string, stream: { send(value: unknown): void }, signal: AbortSignal): Promise<void> {
    const codec = this.#o.protocol.codec("moby.buildkit.v1.StatusResponse");
    const job = await this.#o.jobs.get(ref, signal);
    for await (const response of job.status(new AbortController().signal))
      stream.send({ id: "moby.buildkit.trace", aux: codec.encode(response).toString("base64") });
  }

  /** The request with the context stays open until the build has read it. */
  async #upload(call: Call, buildId: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#uploads.set(buildId, { body: call.request, taken: resolve });
      call.signal.addEventListener("abort", () => resolve(), { once: true });
      this.#arrivals.tell();
    });
    this.#uploads.delete(buildId);
    if (!call.response.destroyed) sendEmpty(call.response, 200);
  }

  async #uploadOf(buildId: string, signal: AbortSignal): Promise<Upload> {
    const upload = await this.#arrivals.wait(() => this.#uploads.get(buildId), { signal, timeoutMs: uploadMs });
    if (!upload) throw new BerthError("api/bad-parameter", `the context of build ${buildId} did not come`);
    return upload;
  }
}
