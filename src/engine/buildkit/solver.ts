import type { Readable } from "node:stream";
import { Progress, type Solved } from "../../build/index.ts";
import { BerthError } from "../../system/index.ts";
import { cachesOf } from "./client-caches.ts";
import { clientCredentials } from "./client-trust.ts";
import type { DockerfileFrontend } from "./dockerfile-frontend.ts";
import type { Exporter } from "./exporters/exporter.ts";
import type { GrpcStatus } from "./grpc-status.ts";
import type { Sessions } from "./sessions.ts";
import type { SolveJob } from "./solve-job.ts";
import type { SolveJobs } from "./solve-jobs.ts";
import { StatusError, statusOf } from "./solve-status.ts";
import type { ExporterEntry, GatewayResult, SolveRequest } from "./wire.ts";

/**
 * Control.Solve: a front end's result, or one that the client puts together by gateway calls, into exporters. What is not a Dockerfile build, and
 * every exporter and cache that there is not, is refused by its name before anything runs.
 */
export class Solver {
  readonly #o: { jobs: SolveJobs; sessions: Sessions; frontend: DockerfileFrontend; exporters: Readonly<Record<string, Exporter>> };

  constructor(o: { jobs: SolveJobs; sessions: Sessions; frontend: DockerfileFrontend; exporters: Readonly<Record<string, Exporter>> }) {
    this.#o = o;
  }

  /** `contextTar`: the build context, where it does not come from the client's session. */
  async solve(request: SolveRequest, signal: AbortSignal, contextTar?: Readable): Promise<Readonly<Record<string, string>>> {
    const job = this.#o.jobs.add(request, contextTar);
    try {
      const exporters = this.#check(request);
      const solved = await this.#result(job, signal);
      job.built = solved;
      let response: Readonly<Record<string, string>> = {};
      for (const [index, { exporter, attrs }] of exporters.entries())
        response = { ...response, ...(solved ? await this.#export(job, solved, exporter, { attrs, index, signal }) : {}) };
      // A client that keeps the cache in a directory of its own notes it there.
      if (solved?.cacheManifest) response = { ...response, "cache.manifest": JSON.stringify(solved.cacheManifest) };
      job.response = response;
      await this.#end(job);
      return response;
    } catch (error) {
      await this.#end(job, statusOf(error, job.source));
      throw signal.aborted ? new BerthError("build/cancelled", "context canceled", { cause: error }) : error;
    }
  }

  async #end(job: SolveJob, error?: GrpcStatus): Promise<void> {
    job.rejectReturn(new BerthError("build/cancelled", "the build has ended"));
    await job.settled();
    job.end(error);
    this.#o.jobs.ended(job);
  }

  #check(request: SolveRequest): { exporter: Exporter; attrs: ExporterEntry["Attrs"] }[] {
    if (request.Definition && request.Definition.def.length > 0) throw llbRefused();
    if (request.Frontend !== "" && !isDockerfile(request.Frontend, request.FrontendAttrs))
      throw new BerthError("build/unsupported", `the front end ${request.FrontendAttrs["source"] || request.Frontend} is not supported`, {
        hint: "dockerfile.v0 is.",
      });
    if (request.SourcePolicy && request.SourcePolicy.rules.length > 0)
      throw new BerthError("build/unsupported", "a source policy is not supported", { hint: "Unset EXPERIMENTAL_BUILDKIT_SOURCE_POLICY." });
    const [denied] = request.Entitlements.filter((name) => name !== "network.host");
    if (denied)
      throw new BerthError(
        "build/unsupported",
        `granting entitlement ${denied.split("=")[0]} is not allowed by build daemon configuration`,
      );
    cachesOf(request);
    const entries =
      request.Exporters.length > 0 || request.ExporterDeprecated === ""
        ? request.Exporters
        : [{ Type: request.ExporterDeprecated, Attrs: request.ExporterAttrsDeprecated }];
    return entries.map(({ Type, Attrs }) => {
      const exporter = this.#o.exporters[Type];
      if (!exporter) throw new BerthError("build/unsupported", `exporter ${JSON.stringify(Type)} could not be found`);
      return { exporter, attrs: Attrs };
    });
  }

  async #result(job: SolveJob, signal: AbortSignal): Promise<Solved | undefined> {
    const { Frontend, FrontendAttrs, FrontendInputs } = job.request;
    if (Frontend !== "") return (await this.#o.frontend.run(job, FrontendAttrs, FrontendInputs, signal)).solved;
    const abort = () => job.rejectReturn(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return resultOf(job, await job.returned);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #export(
    job: SolveJob,
    solved: Solved,
    exporter: Exporter,
    o: { attrs: ExporterEntry["Attrs"]; index: number; signal: AbortSignal },
  ): Promise<Readonly<Record<string, string>>> {
    const session = () => this.#o.sessions.get(job.request.Session, o.signal);
    try {
      return await exporter(solved, {
        ...o,
        progress: new Progress({ onEvent: (event) => job.tell(event) }),
        session,
        credentials: async (domain) =>
          job.request.Session === "" ? undefined : await clientCredentials(await session(), domain, o.signal),
      });
    } catch (error) {
      throw new StatusError(statusOf(error), error);
    }
  }
}

export function llbRefused(): BerthError {
  return new BerthError("build/unsupported", "an LLB definition is not a Dockerfile build, which is all that this engine solves", {
    hint: "Use the front end dockerfile.v0.",
  });
}

/** `gateway.v0` with the image of Dockerfile's own front end means the same language. */
export function isDockerfile(frontend: string, attrs: Readonly<Record<string, string>>): boolean {
  return (
    frontend === "dockerfile.v0" || (frontend === "gateway.v0" && /^(docker\.io\/)?docker\/dockerfile(:|@|$)/.test(attrs["source"] ?? ""))
  );
}

/** What Return named. Nothing, where the client only asked questions. */
function resultOf(job: SolveJob, result: GatewayResult): Solved | undefined {
  const many = [...Object.values(result.refs?.refs ?? {}).map((ref) => ref.id), ...Object.values(result.refsDeprecated?.refs ?? {})];
  if (many.length > 1) throw new BerthError("build/unsupported", "a result for several platforms is not supported");
  const id = result.ref?.id || result.refDeprecated || many[0] || "";
  if (id === "") return undefined;
  const solved = job.results.get(id);
  if (!solved) throw new BerthError("api/not-found", `the build has no result ${id}`);
  return solved;
}
