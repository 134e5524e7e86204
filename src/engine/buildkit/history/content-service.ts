import type { ServiceHandlers } from "../grpc-server.ts";
import { GrpcError, grpcCode } from "../grpc-status.ts";
import { timestamp } from "../status-events.ts";

const chunkBytes = 1 << 20;

/** containerd.services.content.v1.Content, for reading: what belongs to the records of builds. `find` answers undefined for what there is not. */
export function contentService(find: (digest: string) => Buffer | undefined): ServiceHandlers {
  const found = (digest: string): Buffer => {
    const bytes = find(digest);
    if (!bytes) throw new GrpcError(grpcCode.notFound, `content ${digest}: not found`);
    return bytes;
  };
  return {
    unary: {
      Info: async ({ digest }: { digest: string }) => {
        const at = timestamp(Date.now());
        return { info: { digest, size: found(digest).length, created_at: at, updated_at: at, labels: {} } };
      },
    },
    stream: {
      Read: async ({ digest, offset, size }: { digest: string; offset: number; size: number }, { send }) => {
        const bytes = found(digest);
        const end = size > 0 ? Math.min(offset + size, bytes.length) : bytes.length;
        for (let at = offset; at < end; at += chunkBytes)
          await send({ offset: at, data: bytes.subarray(at, Math.min(at + chunkBytes, end)) });
      },
    },
  };
}
