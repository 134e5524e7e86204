import { createHash } from "node:crypto";
import type { ContainerConfig, ImageConfig } from "../api/index.ts";
import type { Layer } from "./images.ts";
import type { Platform } from "./platform.ts";
import { inlineCacheField } from "./remote-cache/cache-config.ts";

export interface HistoryEntry {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** A stage between two instructions: what its image would be now, and the variables that the next one sees. Each instruction makes a new one. */
export interface StageState {
  /** Everything of the base's configuration that a build does not change. */
  readonly base: ImageConfig;
  readonly config: ContainerConfig;
  readonly author?: string;
  readonly layers: readonly Pick<Layer, "chainId" | "diffId">[];
  /** Overlay directories, top first. */
  readonly lowerDirs: readonly string[];
  readonly history: readonly HistoryEntry[];
  /** ENV and ARG together, the later one wins. */
  readonly scope: ReadonlyMap<string, string>;
  /** ARG as "NAME=value", in order: what the history of RUN shows. */
  readonly args: ReadonlyMap<string, string>;
  /** Names of ARGs that were declared, also those without a value. */
  readonly declaredArgs: ReadonlySet<string>;
  readonly cmdSet: boolean;
}

export const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const historyComment = "buildkit.dockerfile.v0";

export function stateOfImage(image: ImageConfig, chainIds: readonly string[], lowerDirs: readonly string[]): StageState {
  const { OnBuild: _, ...config } = image.config ?? {};
  return {
    base: image,
    config,
    ...(image.author ? { author: image.author } : {}),
    layers: chainIds.map((chainId, index) => ({ chainId, diffId: image.rootfs.diff_ids[index]! })),
    lowerDirs,
    history: image.history ?? [],
    scope: new Map((config.Env ?? []).map(splitPair)),
    args: new Map(),
    declaredArgs: new Set(),
    cmdSet: false,
  };
}

export function scratchState(platform: Platform): StageState {
  return stateOfImage({ ...platform, config: { Env: [defaultPath], WorkingDir: "/" }, rootfs: { type: "layers", diff_ids: [] } }, [], []);
}

export function withLayer(state: StageState, layer: Layer, directory: string, createdBy: string, created: string): StageState {
  return {
    ...state,
    layers: [...state.layers, layer],
    lowerDirs: [directory, ...state.lowerDirs],
    history: [...state.history, { created, created_by: createdBy, comment: historyComment }],
  };
}

export function withMetadata(state: StageState, createdBy: string, change: Partial<StageState>): StageState {
  const entry = { created_by: createdBy, comment: historyComment, empty_layer: true };
  return { ...state, ...change, history: [...state.history, entry] };
}

/**
 * The image that a stage makes. Entries without a layer take the time of the step before them (the first ones that of the first new layer),
 * so the same steps give the same image id whenever they run.
 */
export function imageConfigOf(state: StageState, labels: Readonly<Record<string, string>>, epochIso: string | undefined): ImageConfig {
  const inherited = state.base.history?.length ?? 0;
  const firstNew = state.history.slice(inherited).find((entry) => entry.created)?.created;
  let last = firstNew ?? state.base.created ?? "1970-01-01T00:00:00Z";
  const history = state.history.map((entry, index) => {
    if (index < inherited) return entry;
    last = epochIso ?? entry.created ?? last;
    return { created: last, ...entry, ...(epochIso ? { created: epochIso } : {}) };
  });
  const merged = { ...state.config.Labels, ...labels };
  // An inline cache of the base says nothing of this image.
  const { [inlineCacheField]: _, ...base } = state.base as ImageConfig & { [inlineCacheField]?: string };
  return {
    ...base,
    created: epochIso ?? history.at(-1)?.created ?? last,
    ...(state.author ? { author: state.author } : {}),
    config: { ...state.config, ...(Object.keys(merged).length > 0 ? { Labels: merged } : {}) },
    rootfs: { type: "layers", diff_ids: state.layers.map((layer) => layer.diffId) },
    history,
  };
}

export function splitPair(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Counts how steps are done: one that would come out differently now has another key. */
const stepsVersion = 6;

/** A cache key: the digest of everything that a step depends on. */
export function stepKey(parts: readonly unknown[]): string {
  return createHash("sha256")
    .update(JSON.stringify([stepsVersion, ...parts]))
    .digest("hex");
}
