import { BerthError } from "../system/index.ts";
import { layoutImage } from "./layout-image.ts";
import type { Vertex } from "./progress.ts";
import { chainOf } from "./remote-cache/chain.ts";
import type { Session } from "./session.ts";
import { type StageState, stateOfImage } from "./stage-state.ts";

/** The images that one build stands on or copies from, each looked up, and pulled where it has to be, once. */
export class BaseImages {
  readonly #session: Session;
  readonly #known = new Map<string, Promise<StageState>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** An image of the store, pulled when it is not there (or, with `pull`, again). Also one behind an additional context of that name. */
  image(name: string): Promise<StageState> {
    let known = this.#known.get(name);
    if (!known) {
      known = this.#resolve(name);
      this.#known.set(name, known);
    }
    return known;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#known.values());
  }

  async #resolve(name: string): Promise<StageState> {
    const { images, pullImage, progress, request, contexts } = this.#session;
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
    let image = this.#inStore(ref);
    const vertex = progress.declare(
      ref === name ? `[internal] load metadata for ${fullName(ref)}` : `[context ${name}] load metadata for ${ref}`,
    );
    const peeked = image ? undefined : await this.#peek(ref, vertex);
    if (peeked) return peeked;
    return await progress.run(vertex, async () => {
      if ((!image || request.pull) && pullImage && !ref.startsWith("sha256:")) {
        const id = await this.#pull(ref, name, vertex);
        image = images.resolve(id) ?? images.resolve(ref);
      }
      if (!image) throw new BerthError("build/base-image", `the image ${ref} is not here and cannot be pulled`);
      return stateOfImage(image.config, image.chainIds, images.layerDirs(image.id));
    });
  }

  /** The image by what its registry says of it: its layers come when something reads them. */
  async #peek(ref: string, vertex: Vertex): Promise<StageState | undefined> {
    const { images, peekImage, pullImage, progress, imported, request, signal } = this.#session;
    if (!peekImage || !pullImage || ref.startsWith("sha256:")) return undefined;
    const platform = request.platform ? { platform: request.platform } : {};
    // What goes wrong is told by the pull that follows.
    const config = await peekImage(ref, { ...platform, signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (!config) return undefined;
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
          const id = await this.#pull(ref, ref, fetching);
          // The tag may mean another image since.
          const pulled = images.resolve(id)?.chainIds ?? [];
          if (pulled.join() !== chainIds.join())
            throw new BerthError("build/base-image", `the image ${ref} was changed in its registry during the build`);
        });
      });
      return state;
    });
  }

  async #pull(ref: string, name: string, vertex: Vertex): Promise<string> {
    const { pullImage, progress, request, signal } = this.#session;
    return await pullImage!(ref, {
      ...(request.platform ? { platform: request.platform } : {}),
      signal,
      onProgress: (p) => progress.transfer(vertex, p),
    }).catch((error: unknown) => {
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

/** An image's name with everything that may be left out (distribution/reference). */
export function fullName(ref: string): string {
  if (/^sha256:|^[0-9a-f]{64}$/.test(ref)) return ref;
  const name = hasDomain(ref) ? ref : `docker.io/${familiarPath(ref)}`;
  return /[:@][^/]*$/.test(name.slice(name.indexOf("/"))) ? name : `${name}:latest`;
}

function hasDomain(ref: string): boolean {
  const [first = "", ...rest] = ref.split("/");
  return rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
}

function familiarPath(ref: string): string {
  return ref.includes("/") ? ref : `library/${ref}`;
}
