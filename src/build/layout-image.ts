import { createHash } from "node:crypto";
import type { ImageConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { nativePlatform, type Platform, parsePlatform, platformText } from "./platform.ts";
import type { BlobDescriptor, CacheContent } from "./remote-cache/cache-content.ts";
import { chainOf } from "./remote-cache/chain.ts";
import type { Session } from "./session.ts";
import { type StageState, stateOfImage, stepKey } from "./stage-state.ts";

interface Manifest {
  readonly manifests?: readonly (BlobDescriptor & { readonly platform?: { readonly os: string; readonly architecture: string } })[];
  readonly config?: BlobDescriptor;
  readonly layers?: readonly BlobDescriptor[];
}

/** The image of an `oci-layout://` context. Its layers come into the store as part of the build cache, which keeps them as long as it keeps steps. */
export async function layoutImage(session: Session, name: string, source: string): Promise<StageState> {
  const { images, progress, signal } = session;
  const vertex = progress.declare(`[context ${name}] OCI load from client`);
  return await progress.run(vertex, async () => {
    const content = await session.openLayout(source, { signal });
    try {
      const top = await content.manifest();
      if (!top) throw missing(name, "no such manifest");
      const { config: configBlob, layers } = await ofPlatform(content, JSON.parse(top.toString()) as Manifest, {
        name,
        wanted: wantedBy(session),
      }); // image-spec
      const config = JSON.parse((await whole(content, configBlob)).toString()) as ImageConfig; // by its digest
      if (config.rootfs.diff_ids.length !== layers.length) throw missing(name, "its layers are not those of its configuration");
      const chainIds: string[] = [];
      for (const [at, diffId] of config.rootfs.diff_ids.entries()) {
        const parent = chainIds.at(-1);
        const chainId = chainOf(parent, diffId);
        const blob = layers[at]!;
        if (!images.hasLayer?.(chainId)) {
          if (!images.fetchLayer) throw new BerthError("build/unsupported", `the context ${name}: no layer can be read here`);
          const tell = (current: number) =>
            progress.transfer(vertex, { id: blob.digest, current, total: blob.size, done: current === blob.size });
          const { size } = await images.fetchLayer(chainId, { parent, diffId, input: content.read(blob, tell), blob, signal });
          session.cache.store(
            stepKey(["oci-layout", chainId]),
            { chainId, diffId, size },
            `layer of the context ${name}`,
            new Date().toISOString(),
          );
        }
        chainIds.push(chainId);
      }
      return stateOfImage(
        config,
        chainIds,
        [...chainIds].reverse().map((chain) => images.layerDir(chain)),
      );
    } finally {
      await content.close();
    }
  });
}

/** The manifest of one platform, where there are several. */
async function ofPlatform(
  content: CacheContent,
  manifest: Manifest,
  o: { name: string; wanted: Platform },
): Promise<{ config: BlobDescriptor; layers: readonly BlobDescriptor[] }> {
  if (manifest.config && manifest.layers) return { config: manifest.config, layers: manifest.layers };
  const { name, wanted } = o;
  const chosen = manifest.manifests?.find(
    ({ platform }) => platform === undefined || (platform.os === wanted.os && platform.architecture === wanted.architecture),
  );
  if (!chosen) throw missing(name, `there is no manifest for ${platformText(wanted)}`);
  return await ofPlatform(content, JSON.parse((await whole(content, chosen)).toString()) as Manifest, o); // image-spec
}

function wantedBy({ request }: Session): Platform {
  return request.platform ? parsePlatform(request.platform) : nativePlatform();
}

async function whole(content: CacheContent, blob: BlobDescriptor): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of content.read(blob, () => undefined)) parts.push(part);
  const bytes = Buffer.concat(parts);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (digest !== blob.digest) throw new BerthError("build/checksum", `the blob ${blob.digest} of an OCI layout is ${digest}`);
  return bytes;
}

function missing(name: string, why: string): BerthError {
  return new BerthError("build/context", `the context ${name} has no image: ${why}`);
}
