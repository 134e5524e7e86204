import type { BuildImages } from "../../../build/index.ts";
import { type ImagePacking, mergedTar } from "../../../image/index.ts";
import { GrpcError, grpcCode } from "../grpc-status.ts";
import type { ExportContext, Exporter } from "./exporter.ts";
import { fileSend } from "./exporter.ts";
import { namesOf } from "./image-exporter.ts";
import { withPacking } from "./image-packing.ts";

/** `tar`: the result's files as one archive to the client. */
export const tarExporter: Exporter = async ({ lowerDirs }, context) => {
  await sendArchive("exporting to client tarball", mergedTar(lowerDirs), context);
  return {};
};

/** The archive of one image of the store that is known there by its id only. */
export type ImageArchive = (
  id: string,
  o: { format: "docker" | "oci"; names: readonly string[]; signal: AbortSignal } & ImagePacking,
) => AsyncIterable<Buffer>;

/** `docker` and `oci`: the image as an archive to the client, as `docker load` and OCI tools read it. Nothing stays in the store. */
export function imageArchiveExporter(
  format: "docker" | "oci",
  o: { images: BuildImages; archive: ImageArchive; drop: (id: string) => void; directory: string },
): Exporter {
  return async ({ config }, context) => {
    const names = namesOf(context.attrs["name"]);
    const id = o.images.createImage({ config });
    try {
      const what = format === "oci" ? "exporting to oci image format" : "exporting to docker image format";
      await withPacking(context.attrs, { directory: o.directory, signal: context.signal }, async (packing) => {
        await sendArchive(what, o.archive(id, { format, names, signal: context.signal, ...packing }), context);
      });
    } finally {
      o.drop(id);
    }
    return {
      "containerimage.config.digest": id,
      "containerimage.digest": id,
      ...(names.length > 0 ? { "image.name": names.join(",") } : {}),
    };
  };
}

const chunkBytes = 1024 * 1024;

async function sendArchive(
  name: string,
  archive: AsyncIterable<Buffer> | Iterable<Buffer>,
  { index, progress, signal, session }: ExportContext,
): Promise<void> {
  const vertex = progress.declare(name);
  await progress.run(vertex, async () => {
    const stream = (await session()).open(fileSend, "DiffCopy", {
      signal,
      metadata: { "buildkit-attachable-exporter-id": String(index) },
    });
    // The client answers with nothing but the end, or with its own error at any moment.
    const ended = (async () => {
      for await (const _ of stream);
    })();
    ended.catch(() => {});
    let pending: Buffer[] = [];
    let size = 0;
    const flush = async () => {
      if (size > 0) await stream.send({ data: Buffer.concat(pending) });
      [pending, size] = [[], 0];
    };
    try {
      for await (const chunk of archive) {
        for (let at = 0; at < chunk.length; at += chunkBytes) {
          const part = chunk.subarray(at, at + chunkBytes);
          pending.push(part);
          size += part.length;
          if (size >= chunkBytes) await flush();
        }
      }
      await flush();
      stream.endSending();
    } catch (error) {
      stream.cancel();
      // What the client said is the reason, if it said something.
      await ended.catch((reason: unknown) => {
        if (reason instanceof GrpcError && reason.code !== grpcCode.unavailable) throw reason;
      });
      throw error;
    }
    await ended;
    progress.transfer(vertex, { id: "sending tarball", current: 0, total: 0, done: true });
  });
}
