import { join } from "node:path";
import { type Builder, type BuildOptions, buildRequestOf } from "../../build/index.ts";
import { type ImageStore, type PullOptions, parseReference, pull, push, type RegistryAuth } from "../../image/index.ts";
import { type Backend, definitionHash, type ImageBuild, type TransferOptions } from "../../scheduler/index.ts";
import type { Containers } from "../containers.ts";
import { Records } from "../records.ts";
import { toAuth } from "../registry-auth.ts";

/** Images as the scheduler asks for them. When each was pulled is kept, for `pull_policy: daily` and the like. */
export class ProjectImages {
  readonly #images: ImageStore;
  readonly #builder: Builder;
  readonly #containers: Containers;
  readonly #pulls: Records<{ readonly name: string; readonly pulledMs: number }>;

  constructor(o: { root: string; images: ImageStore; builder: Builder; containers: Containers }) {
    this.#images = o.images;
    this.#builder = o.builder;
    this.#containers = o.containers;
    this.#pulls = new Records(join(o.root, "pulls"));
    this.#pulls.open();
  }

  readonly port: Backend["images"] = {
    resolve: (ref) => this.#images.resolve(ref),
    pulledMs: (ref) => this.#pulls.get(definitionHash(ref))?.pulledMs,
    pull: (ref, o) => this.#pull(ref, o),
    push: async (ref, o) => {
      await push(this.#images, ref, {
        signal: o.signal,
        ...authOf(ref, o.auth),
        onProgress: ({ id, status }) => o.onProgress(id ? `${id}: ${status}` : status),
      });
    },
    build: (o) => this.#build(o),
    remove: (ref) => {
      const users = (id: string) =>
        this.#containers
          .list()
          .find((record) => record.Image === id)
          ?.Id.slice(0, 12);
      this.#images.remove(ref, { inUse: users });
    },
  };

  async #pull(ref: string, o: TransferOptions & { platform?: string }): Promise<void> {
    const progress = layerProgress(o.onProgress);
    await pull(this.#images, ref, {
      signal: o.signal,
      ...authOf(ref, o.auth),
      ...(o.platform ? { platform: o.platform } : {}),
      onProgress: progress,
    });
    this.#pulls.put(definitionHash(ref), { name: ref, pulledMs: Date.now() });
  }

  async #build(o: ImageBuild): Promise<void> {
    const request = buildRequestOf(o.definition, {
      name: o.name,
      tags: [...o.tags],
      secretValue: o.secretValue,
      serviceImage: o.serviceImage,
    });
    const wanted = o.platform ? { ...request, platform: o.platform } : request;
    const run = o.check ? this.#builder.check(wanted, this.#buildOptions(o)) : this.#builder.build(wanted, this.#buildOptions(o));
    await run;
  }

  #buildOptions(o: ImageBuild): BuildOptions {
    return {
      signal: o.signal,
      onEvent: o.onEvent,
      pullImage: (ref, { platform, signal, onProgress }) =>
        pull(this.#images, ref, {
          signal,
          ...authOf(ref, o.auth),
          ...(platform ? { platform } : {}),
          onProgress: ({ id, status, current = 0, total = 0 }) =>
            id && onProgress({ id, current, total, done: status === "Pull complete" }),
        }),
    };
  }
}

function authOf(ref: string, auth: TransferOptions["auth"]): { auth?: RegistryAuth } {
  const { domain } = parseReference(ref);
  const found = auth?.[domain] ?? (domain === "docker.io" ? auth?.["https://index.docker.io/v1/"] : undefined);
  if (!found) return {};
  const credentials = toAuth(found);
  return credentials ? { auth: credentials } : {};
}

/** "12 of 40 MB": the layers' bytes together, told when they change by a megabyte. */
function layerProgress(tell: (text: string) => void): NonNullable<PullOptions["onProgress"]> {
  const layers = new Map<string, { current: number; total: number }>();
  let last = "";
  return ({ id, current, total }) => {
    if (!id || current === undefined || !total) return;
    layers.set(id, { current, total });
    const sum = (key: "current" | "total") => Math.round([...layers.values()].reduce((all, layer) => all + layer[key], 0) / 1e6);
    const text = `${sum("current")} of ${sum("total")} MB`;
    if (text !== last) tell(text);
    last = text;
  };
}
