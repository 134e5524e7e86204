import { type Builder, type BuildOptions, buildRequestOf } from "../../build/index.ts";
import { type ImageStore, type PullOptions, parseReference, pull, push, type RegistryAuth, remoteConfig } from "../../image/index.ts";
import type { Backend, ImageBuild, TransferOptions } from "../../scheduler/index.ts";
import { openBuildCache } from "../builds/build-caches.ts";
import type { Containers } from "../containers/containers.ts";
import { toAuth } from "../images/registry-auth.ts";

/** Images as the scheduler asks for them. */
export class ProjectImages {
  readonly #images: ImageStore;
  readonly #builder: Builder;
  readonly #containers: Containers;

  constructor(o: { images: ImageStore; builder: Builder; containers: Containers }) {
    this.#images = o.images;
    this.#builder = o.builder;
    this.#containers = o.containers;
  }

  readonly port: Backend["images"] = {
    resolve: (ref) => this.#images.resolve(ref),
    labelled: (name, value) =>
      this.#images.list().flatMap(({ config, repoTags: [first] }) => {
        const labels = config.config?.Labels ?? {};
        return first !== undefined && labels[name] === value ? [{ name: first, labels }] : [];
      }),
    pulledMs: (ref) => {
      const image = this.#images.resolve(ref);
      return image && this.#images.pulledMs(image.id);
    },
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
  }

  async #build(o: ImageBuild): Promise<void> {
    const request = buildRequestOf(o.definition, {
      name: o.name,
      tags: [...o.tags],
      directory: o.directory,
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
      openCache: openBuildCache(this.#images, (domain) => authFor(domain, o.auth)),
      peekImage: (ref, { platform, signal }) =>
        remoteConfig(this.#images, ref, { signal, ...authOf(ref, o.auth), ...(platform ? { platform } : {}) }),
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
  const credentials = authFor(parseReference(ref).domain, auth);
  return credentials ? { auth: credentials } : {};
}

function authFor(domain: string, auth: TransferOptions["auth"]): RegistryAuth | undefined {
  const found = auth?.[domain] ?? (domain === "docker.io" ? auth?.["https://index.docker.io/v1/"] : undefined);
  return found && toAuth(found);
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
