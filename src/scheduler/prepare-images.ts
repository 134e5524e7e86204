import { readFileSync } from "node:fs";
import pLimit from "p-limit";
import type { BuildDefinition, Project, Service } from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import { definitionHash } from "./definition-hash.ts";
import { type ImageNeed, imageName } from "./image-need.ts";
import { composeVersion, label } from "./labels.ts";
import { dependencyOrder } from "./order.ts";
import { atATime } from "./parallel.ts";
import type { Backend, TransferOptions } from "./ports.ts";
import type { Progress } from "./progress.ts";

export interface ImagesContext {
  readonly backend: Backend;
  readonly project: Project;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly auth?: TransferOptions["auth"];
  readonly parallel?: number;
  /** Builds only say what the builder warns about. */
  readonly check?: boolean;
  /** Changes to a service's build that the request asks for. */
  adjust?(definition: BuildDefinition): BuildDefinition;
}

/**
 * Builds and pulls what is needed, side by side; services with the same build share one. A build that starts from another service's image
 * (`additional_contexts: service:base`) comes after that service's.
 * @throws the first error, when all that had begun has ended
 */
export async function prepareImages(o: ImagesContext, needs: ReadonlyMap<string, ImageNeed>): Promise<void> {
  const abort = new AbortController();
  const context = { ...o, signal: AbortSignal.any([o.signal, abort.signal]) };
  const pulls = pLimit(atATime(o.parallel, 3));
  const builds = new Builds(context);
  const work = [...needs].map(async ([name, need]) => {
    const service = o.project.services[name];
    if (!service || need.action === "none") return;
    if (need.action === "build") return builds.build(service);
    try {
      await pulls(() => pullImage(context, service));
    } catch (error) {
      if (!need.orBuild || context.signal.aborted) throw error;
      o.progress.warn(`service ${name}: ${messageOf(error)}; it is built instead`);
      await builds.build(service);
    }
  });
  for (const task of work) task.catch((error: unknown) => abort.abort(error));
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  o.signal.throwIfAborted();
  if (failed) throw abort.signal.reason ?? failed.reason;
}

/** @throws BerthError image/registry, image/not-found: what was asked for, why it cannot be had and what to do */
export async function pullImage(o: ImagesContext, service: Service): Promise<void> {
  const name = imageName(o.project, service);
  const id = `Image ${name}`;
  o.progress.begin(id, "pulling");
  try {
    await o.backend.images.pull(name, {
      signal: o.signal,
      ...(service.platform ? { platform: service.platform } : {}),
      ...(o.auth ? { auth: o.auth } : {}),
      onProgress: (text) => o.progress.detail(id, "pulling", text),
    });
    o.progress.done(id, "pulled");
  } catch (error) {
    const named = pullError(service, name, error);
    o.progress.failed(id, named);
    throw named;
  }
}

function pullError(service: Service, name: string, error: unknown): BerthError {
  const cause = error instanceof BerthError ? error : undefined;
  return new BerthError(
    cause?.code ?? "image/registry",
    `service ${service.name}: the image ${name} cannot be pulled: ${messageOf(error)}`,
    {
      place: { kind: "service", name: service.name },
      hint: "Check the name and the network. Without a registry: load the image from an archive (`berth image load`), make a base image from the distribution's packages (`berth image bootstrap debian:bookworm-slim`), or give the service a `build`.",
      cause: error,
    },
  );
}

/** The builds of one request. */
class Builds {
  readonly #o: ImagesContext;
  readonly #running = new Map<string, Promise<void>>();
  readonly #services: ReadonlyMap<string, Service>;
  readonly #limit: ReturnType<typeof pLimit>;

  constructor(o: ImagesContext) {
    this.#o = o;
    this.#limit = pLimit(atATime(o.parallel, Number.POSITIVE_INFINITY));
    this.#services = new Map(Object.entries(o.project.services));
    dependencyOrder(new Map([...this.#services].map(([name, service]) => [name, contextsOf(service)])));
  }

  /** Once for all services whose build is the same; each gets its own name for the image. */
  build(service: Service): Promise<void> {
    const key = buildKey(service);
    const running = this.#running.get(key) ?? this.#build(service, key);
    this.#running.set(key, running);
    return running;
  }

  async #build(service: Service, key: string): Promise<void> {
    const { backend, project, progress, signal, adjust } = this.#o;
    const { build: definition } = service;
    if (!definition)
      throw new BerthError("scheduler/action-failed", `service ${service.name} has no build`, {
        place: { kind: "service", name: service.name },
      });
    await Promise.all(
      contextsOf(service).map((name) => {
        const other = this.#services.get(name);
        if (!other) throw new BerthError("scheduler/no-such-service", `service ${service.name} builds from "${name}", which is no service`);
        return other.build ? this.build(other) : undefined;
      }),
    );
    const tags = [...this.#services.values()]
      .filter((other) => other.build && buildKey(other) === key)
      .map((other) => imageName(project, other));
    const unique = [...new Set(tags)];
    for (const tag of unique) progress.begin(`Image ${tag}`, "building");
    try {
      await this.#limit(() =>
        backend.images.build({
          name: service.name,
          definition: labelled(adjust ? adjust(definition) : definition, project, service),
          directory: project.working_dir,
          tags: unique,
          ...(service.platform ? { platform: service.platform } : {}),
          secretValue: (source) => secretValue(project, source),
          serviceImage: (name) => imageName(project, this.#services.get(name) ?? service),
          signal,
          ...(this.#o.auth ? { auth: this.#o.auth } : {}),
          ...(this.#o.check ? { check: true } : {}),
          onEvent: (event) => progress.tell({ type: "build", service: service.name, event }),
        }),
      );
      for (const tag of unique) progress.done(`Image ${tag}`, this.#o.check ? "checked" : "built");
    } catch (error) {
      for (const tag of unique) progress.failed(`Image ${tag}`, error);
      throw error;
    }
  }
}

const contextsOf = (service: Service): string[] =>
  Object.values(service.build?.additional_contexts ?? {}).flatMap((text) =>
    text.startsWith("service:") ? [text.slice("service:".length)] : [],
  );

/** As Compose marks what it builds: tools that clear away a project's images look for these. */
const labelled = (definition: BuildDefinition, project: Project, service: Service): BuildDefinition => ({
  ...definition,
  labels: {
    ...definition.labels,
    [label.project]: project.name,
    [label.service]: service.name,
    [label.version]: composeVersion,
  },
});

const buildKey = (service: Service): string => definitionHash([service.build, service.platform, service.build ? "" : service.name]);

function secretValue(project: Project, source: string): Buffer {
  const secret = project.secrets[source];
  if (!secret)
    throw new BerthError("build/secret-missing", `there is no secret "${source}"`, {
      hint: `This project has: ${Object.keys(project.secrets).join(", ") || "no secrets"}.`,
    });
  if (secret.file === undefined) return Buffer.from(secret.content ?? "");
  try {
    return readFileSync(secret.file);
  } catch (error) {
    throw new BerthError("build/secret-missing", `secret "${source}": ${messageOf(error)}`, { cause: error });
  }
}
