import type { ImageConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { Descriptor } from "./image-record.ts";

export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
} as const;

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

export interface PlatformDescriptor extends Descriptor {
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly urls?: readonly string[];
}

export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly PlatformDescriptor[];
}

export type ParsedManifest =
  | { readonly kind: "index"; readonly manifests: readonly PlatformDescriptor[] }
  | ({ readonly kind: "manifest" } & Manifest);

/** Reads manifest or index bytes. @throws BerthError `image/bad-archive`, `image/unsupported` */
export function parseManifest(bytes: Uint8Array, what: string): ParsedManifest {
  const body = parseJson(bytes, what);
  const layers = body["layers"];
  if (body["schemaVersion"] === 1)
    throw new BerthError("image/unsupported", `${what} is a schema 1 manifest, which no registry should serve any more`);
  if (Array.isArray(body["manifests"])) return { kind: "index", manifests: body["manifests"].map((item) => descriptor(item, what)) };
  if (!isObject(body["config"]) || !Array.isArray(layers)) {
    throw new BerthError("image/bad-archive", `${what} is neither an image manifest nor an index`);
  }
  return { kind: "manifest", config: descriptor(body["config"], what), layers: layers.map((item) => descriptor(item, what)) };
}

/** @throws BerthError `image/bad-archive` */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  const body = parseJson(bytes, what);
  const rootfs = body["rootfs"];
  const ids = isObject(rootfs) ? (rootfs["diff_ids"] ?? []) : undefined;
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === "string" && /^sha256:[0-9a-f]{64}$/.test(id))) {
    throw new BerthError("image/bad-archive", `${what} is not an image configuration`);
  }
  return { ...(body as unknown as ImageConfig), rootfs: { type: "layers", diff_ids: ids as string[] } }; // rootfs was just checked; the rest is optional
}

export function parseJson(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (isObject(value)) return value;
  } catch {
    // said below
  }
  throw new BerthError("image/bad-archive", `${what} is not a JSON object`);
}

/** The best image of an index for a platform; attestations ("unknown/unknown") are never one. */
export function selectPlatform(manifests: readonly PlatformDescriptor[], wanted: Platform): PlatformDescriptor | undefined {
  const fits = manifests.filter(
    (m) =>
      m.annotations?.["vnd.docker.reference.type"] === undefined &&
      (m.platform === undefined ? manifests.length === 1 : m.platform.os === wanted.os && m.platform.architecture === wanted.architecture),
  );
  const rank = (m: PlatformDescriptor): number => {
    const have = Number(
      /^v(\d+)$/.exec(m.platform?.variant ?? "")?.[1] ?? (wanted.architecture === "arm64" ? 8 : wanted.architecture === "amd64" ? 1 : 0),
    );
    const want = Number(/^v(\d+)$/.exec(wanted.variant ?? "")?.[1] ?? { arm64: 8, amd64: 1, arm: 7 }[wanted.architecture] ?? 0);
    return have > want ? -1 : have;
  };
  return fits.filter((m) => rank(m) >= 0).sort((a, b) => rank(b) - rank(a))[0];
}

export function parsePlatform(text: string | undefined, architecture: string): Platform {
  if (!text) return { os: "linux", architecture };
  const [first = "", second, variant] = text.toLowerCase().split("/");
  const normal = (name: string) => ({ x86_64: "amd64", aarch64: "arm64", armhf: "arm" })[name] ?? name;
  if (second === undefined) return first === "linux" ? { os: "linux", architecture } : { os: "linux", architecture: normal(first) };
  return { os: first, architecture: normal(second), ...(variant ? { variant } : {}) };
}

export function platformText(p: Platform): string {
  return [p.os, p.architecture, p.variant].filter(Boolean).join("/");
}

function descriptor(value: unknown, what: string): PlatformDescriptor {
  if (!isObject(value)) throw new BerthError("image/bad-archive", `${what} holds something that is not a descriptor`);
  const { digest, size, mediaType } = value;
  if (typeof digest !== "string" || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new BerthError("image/bad-archive", `${what} names a digest that is not sha256`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw new BerthError("image/bad-archive", `${what} holds a descriptor without a size`);
  return { ...(value as object), digest, size, mediaType: typeof mediaType === "string" ? mediaType : "" };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
