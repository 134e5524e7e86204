import type { BlobDescriptor, CacheContent, OpenLayout } from "../../build/index.ts";
import { BerthError } from "../../system/index.ts";
import type { ClientSession } from "./client-session.ts";
import { GrpcError, grpcCode } from "./grpc-status.ts";

const service = "containerd.services.content.v1.Content";
const action = { stat: 0, write: 1, commit: 2 } as const;
const chunkBytes = 1 << 20;

/**
 * A content store of the client, which it offers under its directory's name (session/content of BuildKit). The manifest is known by its digest only:
 * the directory's index is the client's business, which notes there what the build answers.
 */
export function clientContent(
  session: ClientSession,
  attrs: Readonly<Record<string, string>>,
  { purpose, signal }: { purpose: "import" | "export"; signal: AbortSignal },
): CacheContent {
  const directory = (purpose === "import" ? attrs["src"] : attrs["dest"]) ?? "";
  return clientStore(session, { id: `local:${directory}`, digest: attrs["digest"], signal });
}

/** An OCI layout of the client, which is a context of its build: `STORE[:TAG]@DIGEST`. */
export function clientLayout(session: () => Promise<ClientSession>): OpenLayout {
  return async (source, { signal }) => {
    const [, id, digest] = /^([^:@]+)(?::[^@]*)?@(sha256:[0-9a-f]{64})$/.exec(source) ?? [];
    if (id === undefined) throw new BerthError("build/context", `could not parse oci-layout reference ${JSON.stringify(source)}`);
    return clientStore(await session(), { id: `oci:${id}`, digest, signal });
  };
}

function clientStore(
  session: ClientSession,
  { id, digest, signal }: { id: string; digest: string | undefined; signal: AbortSignal },
): CacheContent {
  if (!session.offers(service, "Info")) throw new BerthError("build/context", `the client does not offer its directory ${id}`);
  const metadata = { "buildkit-attachable-store-id": id };
  const call = { signal, metadata };
  const sizeOf = async (digest: string): Promise<number | undefined> => {
    try {
      const { info } = (await session.call(service, "Info", { digest }, call)) as { info: { size: number } | null }; // content.proto
      return info?.size;
    } catch (error) {
      if (error instanceof GrpcError && error.code === grpcCode.notFound) return undefined;
      throw error;
    }
  };
  const read = async function* ({ digest }: BlobDescriptor, onBytes: (current: number) => void): AsyncGenerator<Buffer> {
    const stream = session.open(service, "Read", call);
    await stream.send({ digest });
    stream.endSending();
    let current = 0;
    for await (const message of stream) {
      const { data } = message as { data: Uint8Array }; // content.proto
      current += data.length;
      onBytes(current);
      yield Buffer.from(data);
    }
  };
  const write = async ({ digest, size }: BlobDescriptor, bytes: () => AsyncIterable<Buffer>): Promise<void> => {
    if ((await sizeOf(digest)) !== undefined) return;
    const stream = session.open(service, "Write", call);
    const answers = stream[Symbol.asyncIterator]();
    const tell = async (message: object) => {
      await stream.send(message);
      const answer = await answers.next();
      if (answer.done) throw new BerthError("build/context", `the client ended the writing of ${digest}`);
    };
    const common = { ref: `cache-${digest}`, total: size, expected: digest };
    try {
      await tell({ ...common, action: action.stat });
      let offset = 0;
      for await (const chunk of bytes())
        for (let at = 0; at < chunk.length; at += chunkBytes) {
          const data = chunk.subarray(at, at + chunkBytes);
          await tell({ ...common, action: action.write, offset, data });
          offset += data.length;
        }
      await tell({ ...common, action: action.commit, offset });
      stream.endSending();
    } catch (error) {
      stream.cancel();
      // Another build wrote the same meanwhile.
      if (!(error instanceof GrpcError && error.code === grpcCode.alreadyExists)) throw error;
    }
  };
  return {
    manifest: async () => {
      if (!digest) throw new BerthError("build/context", "a local cache needs the digest of its manifest, which the client tells");
      const size = await sizeOf(digest);
      if (size === undefined) return undefined;
      const parts: Buffer[] = [];
      for await (const part of read({ digest, size, mediaType: "" }, () => undefined)) parts.push(part);
      return Buffer.concat(parts);
    },
    read,
    has: async ({ digest }) => (await sizeOf(digest)) !== undefined,
    write,
    writeManifest: (manifest, bytes) =>
      write(manifest, async function* () {
        yield bytes;
      }),
    close: async () => {},
  };
}
