import { BerthError } from "../system/index.ts";
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
    const { images, pullImage, progress, request, signal, contexts } = this.#session;
    const ref = contexts.imageOf(name) ?? name;
    const result = contexts.resultOf(name);
    if (result)
      return stateOfImage(
        result.config,
        result.chainIds,
        [...result.chainIds].reverse().map((chain) => images.layerDir(chain)),
      );
    let image = this.#inStore(ref);
    const vertex = progress.declare(
      ref === name ? `[internal] load metadata for ${fullName(ref)}` : `[context ${name}] load metadata for ${ref}`,
    );
    return await progress.run(vertex, async () => {
      if ((!image || request.pull) && pullImage && !ref.startsWith("sha256:")) {
        const id = await pullImage(ref, {
          ...(request.platform ? { platform: request.platform } : {}),
          signal,
          onProgress: (p) => progress.transfer(vertex, p),
        }).catch((error: unknown) => {
          signal.throwIfAborted();
          throw unresolved(ref, name, error);
        });
        image = images.resolve(id) ?? images.resolve(ref);
      }
      if (!image) throw new BerthError("build/base-image", `the image ${ref} is not here and cannot be pulled`);
      return stateOfImage(image.config, image.chainIds, images.layerDirs(image.id));
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
