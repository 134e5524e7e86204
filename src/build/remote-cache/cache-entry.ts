import { resolve } from "node:path";
import { BerthError } from "../../system/index.ts";

/** One `--cache-from` or `--cache-to`, as BuildKit's CacheOptionsEntry. */
export interface CacheEntry {
  readonly type: string;
  readonly attrs: Readonly<Record<string, string>>;
}

export interface CacheExportOptions {
  /** min: the layers of the result; max: of every stage. */
  readonly mode: "min" | "max";
  readonly ociMediaTypes: boolean;
  readonly imageManifest: boolean;
  readonly compression: "uncompressed" | "gzip" | "zstd";
  readonly compressionLevel: number | undefined;
  readonly forceCompression: boolean;
  readonly ignoreError: boolean;
}

const here = ["registry", "local", "inline"];
const elsewhere = ["gha", "s3", "azblob"];

/**
 * "type=registry,ref=x,mode=max" or a plain image name, which is `type=registry,ref=` (buildx, --cache-from and --cache-to). The
 * paths of a local cache are relative to `directory`.
 * @throws BerthError api/bad-parameter, build/unsupported
 */
export function parseCacheEntry(text: string, purpose: "import" | "export", directory = "/"): CacheEntry {
  const fields = text.split(",").map((field) => field.trim());
  if (fields.every((field) => !field.includes("="))) return checkedEntry({ type: "registry", attrs: { ref: text.trim() } }, purpose);
  const pairs = fields.map((field): [string, string] => {
    const at = field.indexOf("=");
    if (at < 0) throw new BerthError("api/bad-parameter", `invalid value ${field} in the cache ${JSON.stringify(text)}`);
    return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1)];
  });
  const { type = "", ...attrs }: Record<string, string> = Object.fromEntries(pairs);
  if (type === "") throw new BerthError("api/bad-parameter", `type required form> ${JSON.stringify(text)}`);
  if (type === "local") for (const name of ["src", "dest"]) if (attrs[name]) attrs[name] = resolve(directory, attrs[name]);
  return checkedEntry({ type, attrs }, purpose);
}

/** @throws BerthError api/bad-parameter, build/unsupported */
export function checkedEntry(entry: CacheEntry, purpose: "import" | "export"): CacheEntry {
  const { type, attrs } = entry;
  if (elsewhere.includes(type))
    throw new BerthError("build/unsupported", `the cache type ${type} is not supported`, { hint: "registry, local and inline are." });
  if (!here.includes(type) || (type === "inline" && purpose === "import"))
    throw new BerthError("build/unsupported", `unknown cache ${purpose === "import" ? "importer" : "exporter"}: ${JSON.stringify(type)}`);
  const needed = type === "registry" ? "ref" : type === "local" ? (purpose === "import" ? "src" : "dest") : undefined;
  if (needed !== undefined && !attrs[needed])
    throw new BerthError("api/bad-parameter", `${type} cache ${purpose === "import" ? "importer" : "exporter"} requires ${needed}`);
  if (purpose === "export") exportOptions(entry);
  return entry;
}

/** How an export is written (cache/remotecache of BuildKit). @throws BerthError api/bad-parameter, build/unsupported */
export function exportOptions({ attrs }: CacheEntry): CacheExportOptions {
  const mode = attrs["mode"] ?? "min";
  if (mode !== "min" && mode !== "max") throw new BerthError("api/bad-parameter", `invalid cache export mode: ${mode}`);
  const compression = attrs["compression"] ?? "gzip";
  if (compression !== "uncompressed" && compression !== "gzip" && compression !== "zstd")
    throw new BerthError("build/unsupported", `the cache compression ${compression} is not supported`, {
      hint: "uncompressed, gzip and zstd are.",
    });
  const level = attrs["compression-level"];
  if (level !== undefined && !/^\d+$/.test(level))
    throw new BerthError("api/bad-parameter", `non-integer value ${level} specified for compression-level`);
  const ociMediaTypes = flag(attrs, "oci-mediatypes", true);
  const imageManifest = flag(attrs, "image-manifest", ociMediaTypes);
  if (imageManifest && !ociMediaTypes)
    throw new BerthError("api/bad-parameter", "OCI mediatypes are required for the image-manifest cache format");
  return {
    mode,
    ociMediaTypes,
    imageManifest,
    compression,
    compressionLevel: level === undefined ? undefined : Number(level),
    forceCompression: flag(attrs, "force-compression", false),
    ignoreError: flag(attrs, "ignore-error", false),
  };
}

/** As messages name it. */
export function entryName({ type, attrs }: CacheEntry): string {
  return type === "registry" ? (attrs["ref"] ?? "") : `${type} ${attrs["src"] ?? attrs["dest"] ?? ""}`.trim();
}

function flag(attrs: Readonly<Record<string, string>>, name: string, otherwise: boolean): boolean {
  const value = attrs[name];
  if (value === undefined) return otherwise;
  if (value === "" || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new BerthError("api/bad-parameter", `failed to parse ${name}: ${value} is neither true nor false`);
}
