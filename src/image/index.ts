/**
 * Images: a content-addressed store whose layers are overlay lower directories, archives in and out, base images from the distribution's own
 * packages, and the registry client. What the store hands out exists completely or not at all, also after a stop at any moment; no archive,
 * however made, writes outside its own directory.
 */
export { loadArchive } from "./archive-load.ts";
export { saveArchive } from "./archive-save.ts";
export { bootstrap } from "./bootstrap.ts";
export { compressionOf, decompressed } from "./decompress.ts";
export type { ImageChange, LayerInfo, RemovedItem, StoredImage } from "./image-record.ts";
export { importRootfs } from "./import-rootfs.ts";
export type { ImagePacking } from "./layer-blob.ts";
export { LayerUnpacker } from "./layer-unpack.ts";
export { parsePlatform, platformText } from "./manifest.ts";
export { mergedTar } from "./merged-tar.ts";
export { type PulledImage, pullImage } from "./pull-policy.ts";
export { canonicalName, familiarName, familiarRepository, parseReference, type Reference } from "./reference.ts";
export { type RegistryContent, registryContent } from "./registry-content.ts";
export { inspectRemote, type RemoteImage } from "./registry-inspect.ts";
export { pullLayers, type RemoteDigests, remoteDigests } from "./registry-layers.ts";
export { checkLogin } from "./registry-login.ts";
export type { PullOptions, PushOptions, RegistryAuth, RegistrySettings, TransferEvent } from "./registry-options.ts";
export { pull, remoteConfig } from "./registry-pull.ts";
export { push } from "./registry-push.ts";
export { readRegistrySettings } from "./registry-settings.ts";
export { ImageStore } from "./store.ts";
export { deviceNumbers, tarEntryOf } from "./tar-entry.ts";
export { type TarEntry, TarReader, type TarSink } from "./tar-reader.ts";
export { padding, tarEnd, tarHeader } from "./tar-writer.ts";
