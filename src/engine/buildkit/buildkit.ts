import { statfsSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { Builder } from "../../build/index.ts";
import { type ImagePacking, type ImageStore, push, saveArchive } from "../../image/index.ts";
import type { BerthPaths } from "../../system/index.ts";
import { openBuildCache } from "../builds/build-caches.ts";
import { buildBases } from "../builds/build-images.ts";
import { controlService } from "./control-service.ts";
import { DockerfileFrontend } from "./dockerfile-frontend.ts";
import { imageArchiveExporter, tarExporter } from "./exporters/archive-exporters.ts";
import { imageExporter, type PushAs } from "./exporters/image-exporter.ts";
import { localExporter } from "./exporters/local-exporter.ts";
import type { LocalSources } from "./files/local-sources.ts";
import { gatewayService } from "./gateway-service.ts";
import { GrpcServer } from "./grpc-server.ts";
import { BuildRecords } from "./history/build-records.ts";
import { contentService } from "./history/content-service.ts";
import { Protocol } from "./protocol.ts";
import { QueryBuilds } from "./query-builds.ts";
import { Sessions } from "./sessions.ts";
import { SolveJobs } from "./solve-jobs.ts";
import { statusOf } from "./solve-status.ts";
import { Solver } from "./solver.ts";
import { Usage } from "./usage.ts";
import { workerRecord } from "./worker.ts";

export interface BuildKitOptions {
  readonly paths: BerthPaths;
  readonly builder: Builder;
  readonly images: ImageStore;
  /** What clients sent for their builds. */
  readonly sources: LocalSources;
  /** The address of this machine on the default network. */
  readonly hostGateway: () => string;
}

/** BuildKit's services for the clients of one engine, with the engine's own builder behind them. */
export class BuildKit {
  readonly sessions: Sessions;
  readonly builds: QueryBuilds;
  readonly #server: GrpcServer;

  constructor({ paths, builder, images, sources, hostGateway }: BuildKitOptions) {
    const protocol = new Protocol();
    this.sessions = new Sessions(protocol);
    const jobs = new SolveJobs();
    const frontend = new DockerfileFrontend({
      builder,
      protocol,
      sessions: this.sessions,
      sources,
      jobs,
      runDir: join(paths.run, "agents"),
      basesAs: (credentials) => buildBases(images, credentials),
      cachesAs: (credentials) => openBuildCache(images, credentials),
    });
    const archive = {
      images,
      directory: images.tempDir(),
      archive: (id: string, o: { format: "docker" | "oci"; names: readonly string[]; signal: AbortSignal } & ImagePacking) =>
        saveArchive(images, [id], o) as AsyncIterable<Buffer>, // a byte stream
      drop: (id: string) => {
        if (images.get(id).repoTags.length === 0) images.remove(id);
      },
    };
    const pushAs: PushAs = async (name, { auth, signal, packing }) =>
      await push(images, name, { signal, ...packing, ...(auth ? { auth } : {}) });
    const image = imageExporter({
      images,
      push: pushAs,
      created: (id) => images.tell({ action: "create", id }),
      directory: images.tempDir(),
    });
    const solver = new Solver({
      jobs,
      sessions: this.sessions,
      frontend,
      exporters: {
        moby: image,
        image,
        local: localExporter,
        tar: tarExporter,
        docker: imageArchiveExporter("docker", archive),
        oci: imageArchiveExporter("oci", archive),
      },
    });
    this.builds = new QueryBuilds({ solver, jobs, protocol });
    const records = new BuildRecords({ jobs, protocol });
    const worker = () => workerRecord({ id: paths.instance, hostGateway: hostGateway() });
    this.#server = new GrpcServer({
      protocol,
      toStatus: statusOf,
      services: {
        "moby.buildkit.v1.Control": controlService({
          solver,
          sessions: this.sessions,
          jobs,
          usage: new Usage({
            builder,
            sources,
            freeBytes: () => {
              const { bavail, bsize } = statfsSync(images.tempDir());
              return bavail * bsize;
            },
          }),
          worker,
          recordOf: (job) => records.of(job).record,
        }),
        "containerd.services.content.v1.Content": contentService((digest) => records.blob(digest)),
        "moby.buildkit.v1.frontend.LLBBridge": gatewayService({ jobs, frontend, protocol, images, worker }),
        "grpc.health.v1.Health": { unary: { Check: async () => ({ status: 1 }) } },
      },
    });
  }

  /** Serves BuildKit's services on a connection that its client has taken over. */
  serve(socket: Duplex): void {
    this.#server.serve(socket);
  }

  close(): void {
    this.sessions.close();
    this.#server.close();
  }
}
