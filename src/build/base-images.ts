import type { ImageConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { CachedBases } from "./cached-bases.ts";
import { familiarPath, fullName } from "./full-name.ts";
import { layoutImage } from "./layout-image.ts";
import { nativePlatform, type Platform, parsePlatform, platformText } from "./platform.ts";
import type { Vertex } from "./progress.ts";
import { chainOf } from "./remote-cache/chain.ts";
import type { Session } from "./session.ts";
import { type StageState, stateOfImage } from "./stage-state.ts";

/** The images that one build stands on or copies from, each looked up, and pulled where it has to be, once. */
export class BaseImages {
  readonly #session: Session;
  readonly #known = new Map<string, Promise<StageState>>();
  readonly #digests = new Map<StageState, string>();
  readonly #shown = new Map<StageState, Vertex>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** An image of the store, pulled when it is not there (or, with `pull`, again). Also one behind an additional context of that name. */
  image(name: string, platform = this.#asked()): Promise<StageState> {
    const key = `${name} ${platform ? platformText(platform) : ""}`;
    let known = this.#known.get(key);
    if (!known) {
      known = this.#resolve(name, platform);
      this.#known.set(key, known);
    }
    return known;
  }

  #asked(): Platform | undefined {
    const { platform } = this.#session.request;
    return platform ? parsePlatform(platform) : undefined;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#known.values());
  }

  async #resolve(name: string, platform: Platform | undefined): Promise<StageState> {
    const { images, materials, pullImage, progress, request, contexts } = this.#session;
    const ref = contexts.imageOf(name) ?? name;
    const result = contexts.resultOf(name);
    if (result)
      return stateOfImage(
        result.config,
        result.chainIds,
        [...result.chainIds].reverse().map((chain) => images.layerDir(chain)),
      );
    const layout = contexts.layoutOf(name);
    if (layout !== undefined) return await layoutImage(this.#session, name, layout);
    const here = this.#inStore(ref);
    const isOther = platform !== undefined && !request.takesAnyPlatform && here?.config.architecture !== platform.architecture;
    let image = isOther ? undefined : here;
    const vertex = progress.declare(
      ref === name ? `[internal] load metadata for ${fullName(ref)}` : `[context ${name}] load metadata for ${ref}`,
    );
    const { bases } = this.#session;
    if (bases && (!image || request.pull) && !ref.startsWith("sha256:"))
      return await this.#ofRegistry(bases, { ref, name, platform, vertex });
    const peeked = image ? undefined : await this.#peek(ref, platform, vertex);
    if (peeked) return peeked;
    return await progress.run(vertex, async () => {
      if ((!image || request.pull) && pullImage && !ref.startsWith("sha256:")) {
        const id = await this.#pull(ref, vertex, { name, platform });
        image = images.resolve(id) ?? images.resolve(ref);
      }
      if (!image) throw new BerthError("build/base-image", `the image ${ref} is not here and cannot be pulled`);
      // An image of the store is known by its files, as BuildKit in a Docker engine knows it.
      materials.image(fullName(ref), { digest: image.chainIds.at(-1) ?? image.id, platform: platformIn(image.config) });
      return stateOfImage(image.config, image.chainIds, images.layerDirs(image.id));
    });
  }

  /** An image that the build cache keeps, or that comes into it: its layers do when its FROM is done, or something reads it. */
  async #ofRegistry(
    bases: CachedBases,
    { ref, name, platform, vertex }: { ref: string; name: string; platform: Platform | undefined; vertex: Vertex },
  ): Promise<StageState> {
    const { images, progress, imported, materials, request, signal } = this.#session;
    const asked = { ref, platform: platform ? platformText(platform) : "", signal };
    const found = await progress.run(vertex, async () => {
      const base = await bases.find(asked, { mustAsk: request.pull === true }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw unresolved(ref, name, error);
      });
      const { architecture } = base.config;
      if (platform !== undefined && architecture !== platform.architecture)
        throw new BerthError("build/base-image", `there is no image for ${platformText(platform)}, only for ${architecture}`);
      return base;
    });
    materials.image(fullName(ref), { digest: found.top, platform: platformIn(found.config) });
    const state = stateOfImage(
      found.config,
      found.chainIds,
      [...found.chainIds].reverse().map((chain) => images.layerDir(chain)),
    );
    this.#digests.set(state, found.top);
    const sizes = found.chainIds.map((chain) => images.layer?.(chain)?.size);
    if (found.isRemote && sizes.every((size) => size !== undefined))
      bases.keep(
        asked,
        found,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    else if (found.isRemote)
      imported.later(state.layers, async () => {
        const shown = this.#shown.get(state);
        const fetch = async (step: Vertex) => {
          await bases.fetch(asked, found.top, (p) => progress.transfer(step, p));
        };
        if (shown) return await fetch(shown);
        const fetching = progress.declare(`FROM ${fullName(ref)}${ref.includes("@") ? "" : `@${found.top}`}`);
        await progress.run(fetching, () => fetch(fetching));
      });
    return state;
  }

  /** The digest that an image was found by in its registry. */
  digestOf(state: StageState): string | undefined {
    return this.#digests.get(state);
  }

  /** Lets the step that shows an image as a base bring its layers. Answers whether they were here. */
  async bring(state: StageState, vertex: Vertex): Promise<boolean> {
    const { imported, images, lazyBases } = this.#session;
    const here = state.layers.every(({ chainId }) => images.hasLayer?.(chainId) !== false);
    this.#shown.set(state, vertex);
    if (!here && !lazyBases && this.#digests.has(state)) await imported.ensure(state.layers);
    return here || lazyBases;
  }

  /** The image by what its registry says of it: its layers come when something reads them. */
  async #peek(ref: string, platform: Platform | undefined, vertex: Vertex): Promise<StageState | undefined> {
    const { images, lazyBases, peekImage, pullImage, progress, imported, signal } = this.#session;
    if (!lazyBases || !peekImage || !pullImage || ref.startsWith("sha256:")) return undefined;
    // What goes wrong is told by the pull that follows.
    const found = await peekImage(ref, { ...textOf(platform), signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (!found) return undefined;
    const { config } = found;
    return await progress.run(vertex, async () => {
      const chainIds: string[] = [];
      for (const diffId of config.rootfs.diff_ids) chainIds.push(chainOf(chainIds.at(-1), diffId));
      const state = stateOfImage(
        config,
        chainIds,
        [...chainIds].reverse().map((chain) => images.layerDir(chain)),
      );
      imported.later(state.layers, async () => {
        const fetching = progress.declare(`[internal] pull ${fullName(ref)}`);
        await progress.run(fetching, async () => {
          const id = await this.#pull(ref, fetching, { name: ref, platform });
          // The tag may mean another image since.
          const pulled = images.resolve(id)?.chainIds ?? [];
          if (pulled.join() !== chainIds.join())
            throw new BerthError("build/base-image", `the image ${ref} was changed in its registry during the build`);
        });
      });
      return state;
    });
  }

  async #pull(ref: string, vertex: Vertex, { name, platform }: { name: string; platform: Platform | undefined }): Promise<string> {
    const { peekImage, pullImage, progress, signal } = this.#session;
    const pull = async (): Promise<string> => {
      // An image for another machine is taken by its digest: the name stays with what runs here.
      const foreign = platform !== undefined && platform.architecture !== nativePlatform().architecture;
      const found = foreign ? await peekImage?.(ref, { ...textOf(platform), signal }) : undefined;
      if (foreign && found && found.config.architecture !== platform.architecture)
        throw new BerthError("build/base-image", `there is no image for ${platformText(platform)}, only for ${found.config.architecture}`);
      return await pullImage!(found ? `${withoutTag(ref)}@${found.digest}` : ref, {
        ...textOf(platform),
        signal,
        onProgress: (p) => progress.transfer(vertex, p),
      });
    };
    return await pull().catch((error: unknown) => {
      signal.throwIfAborted();
      throw unresolved(ref, name, error);
    });
  }

  #inStore(ref: string): ReturnType<Session["images"]["resolve"]> {
    try {
      return this.#session.images.resolve(ref);
    } catch (error) {
      if (!(error instanceof BerthError) || error.code !== "image/bad-reference") throw error;
      const why = /must be lowercase/.test(error.message) ? `: repository name (${familiarPath(ref)}) must be lowercase` : "";
      throw new BerthError(error.code, `failed to parse stage name ${JSON.stringify(ref)}: invalid reference format${why}`, {
        cause: error,
      });
    }
  }
}

const textOf = (platform: Platform | undefined): { platform?: string } => (platform ? { platform: platformText(platform) } : {});

function platformIn({ os, architecture, variant }: ImageConfig): Platform {
  return { os, architecture, ...(variant ? { variant } : {}) };
}

function withoutTag(ref: string): string {
  return ref.replace(/(:[^/@]*)?(@.*)?$/, "");
}

/** A pull's error in the words that clients know from BuildKit. */
function unresolved(ref: string, name: string, error: unknown): unknown {
  if (!(error instanceof BerthError)) return error;
  const full = fullName(ref);
  const reason = /: manifest unknown$/.test(error.message) ? `${full}: not found` : error.message;
  const named = ref === name ? `${ref}: ` : "";
  return new BerthError(error.code, `${named}failed to resolve source metadata for ${full}: ${reason}`, {
    ...(error.hint ? { hint: error.hint } : {}),
    cause: error,
  });
}
