import { createHash } from "node:crypto";
import { nativePlatform, platformText } from "../../../build/index.ts";
import type { GrpcStatus } from "../grpc-status.ts";
import type { Protocol } from "../protocol.ts";
import type { SolveJob } from "../solve-job.ts";
import { timestamp } from "../status-events.ts";
import { provenance } from "./provenance.ts";

/** moby.buildkit.v1.Descriptor */
interface Descriptor {
  readonly media_type: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A build as its history tells it, and what belongs to it, by digest. */
export interface BuildRecord {
  readonly record: object;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/**
 * moby.buildkit.v1.BuildHistoryRecord of a build that runs or has ended. An ended one has its log, where its result came from, the image's configuration,
 * and the error with everything that its client was told.
 */
export function buildRecord(job: SolveJob, protocol: Protocol): BuildRecord {
  const blobs = new Map<string, Buffer>();
  const keep = (media_type: string, bytes: Buffer, annotations?: Record<string, string>): Descriptor => {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    blobs.set(digest, bytes);
    return { media_type, digest, size: bytes.length, ...(annotations ? { annotations } : {}) };
  };
  const { steps, completedMs } = job;
  const running = {
    Ref: job.ref,
    Frontend: job.request.Frontend || "dockerfile.v0",
    FrontendAttrs: job.frontendAttrs,
    Exporters: job.request.Exporters,
    CreatedAt: timestamp(job.createdMs),
    ExporterResponse: job.response,
    Generation: 1,
    numCachedSteps: steps.cached.size,
    numTotalSteps: steps.total.size,
    numCompletedSteps: steps.completed.size,
    numWarnings: steps.warnings,
  };
  if (completedMs === undefined) return { record: running, blobs };
  const record = {
    ...running,
    CompletedAt: timestamp(completedMs),
    logs: keep("application/vnd.buildkit.status.v0", logOf(job, protocol)),
    ...(job.failure ? failure(job.failure, protocol, keep) : { Result: result(job, completedMs, keep) }),
  };
  return { record, blobs };
}

type Keep = (mediaType: string, bytes: Buffer, annotations?: Record<string, string>) => Descriptor;

function failure(status: GrpcStatus, protocol: Protocol, keep: Keep): object {
  return {
    error: { code: status.code, message: status.message, details: [] },
    externalError: keep("application/vnd.googeapis.google.rpc.status+proto", protocol.codec("google.rpc.Status").encode(status)),
  };
}

function result(job: SolveJob, endedMs: number, keep: Keep): object {
  const { built } = job;
  if (!built) return {};
  const from = provenance({
    ref: job.ref,
    attrs: job.frontendAttrs,
    materials: built.materials,
    source: job.source,
    platform: platformText(nativePlatform()),
    startedMs: job.createdMs,
    endedMs,
  });
  const attestation = keep("application/vnd.in-toto+json", Buffer.from(JSON.stringify(from, null, 2)), {
    "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2",
  });
  const isImage = job.response["containerimage.config.digest"] !== undefined;
  const image = isImage ? keep("application/vnd.docker.container.image.v1+json", Buffer.from(JSON.stringify(built.config))) : undefined;
  return { Attestations: [attestation], ...(image ? { ResultDeprecated: image, Results: { 0: image } } : {}) };
}

/** Each message with its length before it (ImportStatus of BuildKit's solver/llbsolver/history.go). */
function logOf(job: SolveJob, protocol: Protocol): Buffer {
  const codec = protocol.codec("moby.buildkit.v1.StatusResponse");
  const parts = job.told().flatMap((response) => {
    const message = codec.encode(response);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(message.length);
    return [length, message];
  });
  return Buffer.concat(parts);
}
