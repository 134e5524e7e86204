import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { BaseImage, BaseSource, Builder, BuildRequest, Solved } from "../../build/index.ts";
import type { RegistryAuth } from "../../image/index.ts";
import { BerthError } from "../../system/index.ts";
import { type CachesAs, cachesOf, clientCache } from "./client-caches.ts";
import { clientLayout } from "./client-content.ts";
import { clientFiles } from "./client-files.ts";
import type { ClientSession } from "./client-session.ts";
import { clientAgent, clientCredentials, clientSecret } from "./client-trust.ts";
import type { LocalSources } from "./files/local-sources.ts";
import { type FrontendBuild, frontendBuild } from "./frontend-request.ts";
import type { Protocol } from "./protocol.ts";
import { resultOfDefinition } from "./result-definition.ts";
import type { Sessions } from "./sessions.ts";
import type { SolveJob } from "./solve-job.ts";
import type { SolveJobs } from "./solve-jobs.ts";
import { StatusError, statusOf } from "./solve-status.ts";
import { subrequest } from "./subrequests.ts";
import type { Definition } from "./wire.ts";

/** How base images are fetched with what the client of a build is logged in with. */
export type BasesAs = (credentials: (domain: string) => Promise<RegistryAuth | undefined>) => BaseSource;

export interface FrontendResult {
  readonly solved?: Solved;
  readonly metadata: Readonly<Record<string, Uint8Array>>;
}

export interface DockerfileFrontendOptions {
  readonly builder: Builder;
  readonly protocol: Protocol;
  readonly sessions: Sessions;
  readonly sources: LocalSources;
  readonly jobs: SolveJobs;
  /** For agents' sockets. */
  readonly runDir: string;
  readonly basesAs: BasesAs;
  readonly cachesAs: CachesAs;
}

/** BuildKit's front end `dockerfile.v0` by this engine's own builder: files, secrets, agents and credentials come from the client's session. */
export class DockerfileFrontend {
  readonly #o: DockerfileFrontendOptions;

  constructor(o: DockerfileFrontendOptions) {
    this.#o = o;
    // What a killed engine left.
    rmSync(o.runDir, { recursive: true, force: true });
    mkdirSync(o.runDir, { recursive: true, mode: 0o711 });
  }

  /** @throws StatusError with the lines of the Dockerfile that are to blame */
  async run(
    job: SolveJob,
    attrs: Readonly<Record<string, string>>,
    inputs: Readonly<Record<string, Definition>>,
    signal: AbortSignal,
  ): Promise<FrontendResult> {
    try {
      return await job.track(this.#run(job, attrs, inputs, signal));
    } catch (error) {
      throw new StatusError(statusOf(error, job.source, job.failedStep), error);
    }
  }

  async #run(
    job: SolveJob,
    attrs: Readonly<Record<string, string>>,
    inputs: Readonly<Record<string, Definition>>,
    signal: AbortSignal,
  ): Promise<FrontendResult> {
    const build = frontendBuild(attrs);
    const ended = new AbortController();
    const files = clientFiles({
      sources: this.#o.sources,
      ...build.locals,
      ...(job.contextTar ? { dockerfile: undefined } : {}),
      sessionOf: (local) => this.#o.sessions.get(build.localSessions.get(local) ?? job.request.Session, signal),
    });
    const agents = mkdtempSync(join(this.#o.runDir, "b"));
    const session = () => this.#o.sessions.get(job.request.Session, signal);
    const hasSession = job.request.Session !== "";
    const request: BuildRequest = {
      ...build.request,
      name: job.ref,
      entitlements: [...job.request.Entitlements],
      client: files,
      ...cachesOf(job.request, attrs),
      imageContexts: this.#imageContexts(build, inputs),
      ...(hasSession
        ? {
            findSecret: async (id) => await clientSecret(await session(), id, signal),
            findAgent: async (id, o) =>
              await clientAgent(await session(), id, { ...o, directory: agents, signal: AbortSignal.any([o.signal, ended.signal]) }),
          }
        : {}),
      ...(build.upload === undefined ? {} : { contextTar: uploaded(session, build.upload, signal) }),
      ...(job.contextTar ? { contextTar: job.contextTar } : {}),
    };
    const credentials = async (domain: string) => (hasSession ? await clientCredentials(await session(), domain, signal) : undefined);
    const options = {
      signal,
      openLayout: clientLayout(session),
      openCache: clientCache(session, this.#o.cachesAs(credentials)),
      onEvent: (event: Parameters<SolveJob["tell"]>[0]) => job.tell(event),
      onDockerfile: (content: string, file: string) => job.setSource({ content, file }),
      baseSource: this.#o.basesAs(credentials),
    };
    try {
      const asked = attrs["requestid"];
      if (asked) return { metadata: await subrequest(asked, this.#o.builder, request, options) };
      const solved = await this.#o.builder.solve(request, options);
      return { solved, metadata: { "containerimage.config": Buffer.from(JSON.stringify(solved.config)) } };
    } finally {
      ended.abort();
      files.release();
      rmSync(agents, { recursive: true, force: true });
    }
  }

  /** The contexts that are results of other builds of this engine. */
  #imageContexts(build: FrontendBuild, inputs: Readonly<Record<string, Definition>>): Record<string, BaseImage> {
    return Object.fromEntries(
      [...build.inputs].map(([name, input]) => {
        const definition = inputs[input];
        if (!definition) throw new BerthError("build/context", `invalid input ${input} for ${name}`);
        const id = resultOfDefinition(this.#o.protocol, definition);
        const solved = this.#o.jobs
          .list()
          .map((job) => job.results.get(id ?? ""))
          .find((result) => result !== undefined);
        if (!solved)
          throw new BerthError("build/unsupported", `the context ${name} is an LLB definition, which is not supported`, {
            hint: "Results of this engine's own builds, directories, images and URLs are.",
          });
        return [name, { id: "", config: solved.config, chainIds: solved.chainIds }];
      }),
    );
  }
}

/** A context that the client gives as one stream. */
function uploaded(session: () => Promise<ClientSession>, path: string, signal: AbortSignal): Readable {
  return Readable.from(
    (async function* () {
      const stream = (await session()).open("moby.upload.v1.Upload", "Pull", {
        signal,
        metadata: { urlpath: path, urlhost: "buildkit-session" },
      });
      for await (const message of stream) yield (message as { data: Uint8Array }).data; // upload.proto
    })(),
    { objectMode: false },
  );
}
