import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CompressedLayers } from "../../../build/index.ts";
import type { ImagePacking } from "../../../image/index.ts";
import { BerthError } from "../../../system/index.ts";

/**
 * What an exporter's options say of an image's manifest and of how its layers are packed (exporter/containerimage/opts.go of BuildKit). Layers made here
 * are kept and handed out plain, and those that came packed stay as they came, unless `compression` says otherwise.
 * @throws BerthError build/unsupported for an option that cannot be had, by its name
 */
export async function withPacking<T>(
  attrs: Readonly<Record<string, string>>,
  o: { directory: string; signal: AbortSignal },
  work: (packing: ImagePacking) => Promise<T>,
): Promise<T> {
  const annotations = annotationsOf(attrs);
  if (isSet(attrs["oci-mediatypes"], false)) throw unsupported("oci-mediatypes", attrs);
  if (isSet(attrs["tar"], false)) throw unsupported("tar", attrs);
  const { compression } = attrs;
  if (compression === undefined) return await work({ annotations });
  if (compression !== "uncompressed" && compression !== "gzip" && compression !== "zstd")
    throw new BerthError("build/unsupported", `unsupported layer compression type ${compression}`, {
      hint: "uncompressed, gzip and zstd are supported.",
    });
  const level = attrs["compression-level"];
  if (level !== undefined && !/^\d+$/.test(level))
    throw new BerthError("api/bad-parameter", `non-integer value ${level} specified for compression-level`);
  const directory = mkdtempSync(join(o.directory, "packed-"));
  const wanted = {
    compression,
    compressionLevel: level === undefined ? undefined : Number(level),
    forceCompression: isSet(attrs["force-compression"], true),
  } as const;
  try {
    const layers = new CompressedLayers(join(directory, "known.json"));
    const pack: NonNullable<ImagePacking["pack"]> = async (blob, diffId) =>
      layers.asIs(blob, wanted) ?? (await layers.pack(blob, diffId, { ...wanted, directory, signal: o.signal }));
    return await work({ annotations, pack });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `annotation.KEY` and `annotation-manifest.KEY`, also `annotation[linux/amd64].KEY`: there is one platform. */
function annotationsOf(attrs: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attrs).flatMap(([name, value]) => {
      const [, kind, key] = /^annotation(-[a-z-]+)?(?:\[[^\]]*\])?\.(.+)$/.exec(name) ?? [];
      if (key === undefined) return [];
      if (kind !== undefined && kind !== "-manifest") throw unsupported(name, attrs);
      return [[key, value]];
    }),
  );
}

function isSet(value: string | undefined, wanted: boolean): boolean {
  return value !== undefined && /^(1|t|true)$/i.test(value) === wanted;
}

function unsupported(name: string, attrs: Readonly<Record<string, string>>): BerthError {
  return new BerthError("build/unsupported", `the exporter option ${name}=${attrs[name]} is not supported`);
}
