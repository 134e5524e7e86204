import { dockerfileLines } from "../../build/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import { GrpcError, type GrpcStatus, grpcCode } from "./grpc-status.ts";

/** The Dockerfile of a build, for messages that show its lines. */
export interface Source {
  readonly content: string;
  readonly file: string;
}

/** An error with everything that a client is told of it. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: GrpcStatus;

  constructor(status: GrpcStatus, cause?: unknown) {
    super(status.message, { cause });
    this.status = status;
  }
}

/**
 * A thrown error as a client of BuildKit reads it: without the hint, which would follow the error as the last line of what the client shows. Details are
 * JSON in an Any (util/grpcerrors of BuildKit): the lines of the Dockerfile that are to blame, and the step.
 */
export function statusOf(error: unknown, source?: Source, failedStep?: string): GrpcStatus {
  if (error instanceof StatusError) return error.status;
  if (error instanceof GrpcError) return { code: error.code, message: error.message, details: [] };
  if (!(error instanceof BerthError)) return { code: grpcCode.unknown, message: messageOf(error), details: [] };
  // Clients put any other code's name in front of the message.
  const code = error.code === "build/cancelled" ? grpcCode.cancelled : grpcCode.unknown;
  const place = error.place && "file" in error.place ? error.place : undefined;
  const parsed = place?.line !== undefined && error.code === "build/dockerfile" ? `dockerfile parse error on line ${place.line}: ` : "";
  const details = [
    ...(source && place?.line !== undefined ? [sourceDetail(source, place.line)] : []),
    ...(failedStep === undefined ? [] : [detail("Vertex", { digest: failedStep })]),
  ];
  return { code, message: `${parsed}${error.message}`, details };
}

function sourceDetail(source: Source, line: number): GrpcStatus["details"][number] {
  const value = {
    info: { filename: source.file, data: Buffer.from(source.content).toString("base64"), language: "Dockerfile" },
    ranges: [{ start: { line }, end: { line: endLine(source, line) } }],
  };
  return detail("Source", value);
}

function detail(kind: string, value: object): GrpcStatus["details"][number] {
  return { type_url: `github.com/moby/buildkit/errdefs.${kind}+json`, value: Buffer.from(JSON.stringify(value)) };
}

/** The last line of the instruction that begins on a line. */
export function endLine(source: Source, line: number): number {
  try {
    return dockerfileLines(source.content, source.file).instructions.find((instruction) => instruction.line === line)?.endLine ?? line;
  } catch {
    return line; // it cannot be read: then the line is where
  }
}
