import type { Container, ContainerCreateBody, Project, Service } from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import type { Action } from "./action.ts";
import { bodyOfService } from "./body-of-service.ts";
import { logHint } from "./conditions.ts";
import { containerName } from "./container-body.ts";
import type { Effects, StartAction } from "./execute.ts";
import { failedAction } from "./failed-action.ts";
import { runHooks } from "./hooks.ts";
import { label, nameOf } from "./labels.ts";
import { containerStep, containersOf, type ProjectContext, projectContainers, removeContainer, stopContainer } from "./project-context.ts";
import type { DesiredEntry } from "./project-record.ts";
import { networkBody, volumeBody } from "./resource-body.ts";
import { inheritVolumes } from "./service-mounts.ts";
import { type Holds, waitForDependency } from "./wait-for-dependency.ts";

export interface UpEffectsOptions {
  readonly context: ProjectContext;
  readonly project: Project;
  readonly entries: Readonly<Record<string, DesiredEntry>>;
  readonly renewAnonVolumes?: boolean;
  readonly timeoutMs?: number;
  readonly holds: Holds;
}

/** Does the actions of a plan on the engine, and tells each. */
export class UpEffects implements Effects {
  readonly #o: UpEffectsOptions;

  constructor(o: UpEffectsOptions) {
    this.#o = o;
  }

  async perform(action: Exclude<Action, { kind: "start" }>): Promise<void> {
    switch (action.kind) {
      case "create-network":
        return this.#createNetwork(action.name);
      case "recreate-network":
        return this.#recreateNetwork(action);
      case "create-volume":
        return this.#createVolume(action.name);
      case "create":
        return this.#create(action.service, action.number, action.because);
      case "recreate":
        return this.#recreate(action.container.id, action.service, action.container.number, action.because);
      case "remove":
        return this.#remove(action.container.id);
      case "restart":
        return this.#restart(action.service, action.number, action.because);
      case "wait":
        return waitForDependency(this.#o.context, this.#o.holds, action.dependency, action.because);
      case "build":
      case "pull":
        throw new BerthError("system/internal", `the image of ${action.service} has to be there before the rest is planned`);
    }
    action satisfies never;
  }

  async startMany(actions: readonly StartAction[], settled: (action: StartAction, error?: unknown) => void): Promise<void> {
    const { backend, progress } = this.#o.context;
    const waiting = new Map<string, StartAction>();
    const running: Promise<void>[] = [];
    for (const action of actions) {
      const container = this.#find(action.service, action.number);
      if (!container) {
        settled(action, new BerthError("container/not-found", `service ${action.service} has no container number ${action.number}`));
        continue;
      }
      this.#takeName(container, action.service, action.number);
      progress.begin(containerStep(container), "starting", action.because);
      waiting.set(container.Id, action);
    }
    const started = async (id: string) => {
      const action = waiting.get(id);
      const container = backend.containers.find(id);
      if (!action || !container) return;
      waiting.delete(id);
      try {
        await runHooks(backend, container, "post_start", this.#definition(action.service).post_start);
        progress.done(containerStep(container), "started");
        settled(action);
      } catch (error) {
        progress.failed(containerStep(container), error);
        settled(action, error);
      }
    };
    const subscription = backend.events.subscribe(({ Type, Action: what, Actor }) => {
      if (Type === "container" && what === "start" && waiting.has(Actor.ID)) running.push(started(Actor.ID));
    });
    try {
      const failures = await backend.containers.startMany([...waiting.keys()]);
      for (const { id, error } of failures) {
        const action = waiting.get(id);
        const container = backend.containers.find(id);
        if (!action) continue;
        waiting.delete(id);
        const named = container ? await this.#named(container, "cannot be started", error) : error;
        if (container) progress.failed(containerStep(container), named);
        settled(action, named);
      }
    } finally {
      subscription.stop();
    }
    // What ran already has no event of its own.
    for (const id of waiting.keys()) running.push(started(id));
    await Promise.all(running);
  }

  #createNetwork(name: string): Promise<void> {
    const [key, definition] = Object.entries(this.#o.project.networks).find(([, one]) => one.name === name) ?? [];
    if (key === undefined || !definition) throw new BerthError("network/not-found", `network ${name} not found`);
    return this.#o.context.progress.around(`Network ${name}`, ["creating", "created"], () => {
      this.#o.context.backend.networks.create(
        networkBody(this.#o.project, key, definition, this.#o.context.backend.networkHash(definition)),
      );
    });
  }

  /** Its containers have to leave it first. Those of the request are made again by the steps that follow; the others are put back as they were. */
  async #recreateNetwork({ name, because, keeps }: Extract<Action, { kind: "recreate-network" }>): Promise<void> {
    const { context, timeoutMs } = this.#o;
    const { backend, progress } = context;
    progress.begin(`Network ${name}`, "recreating", because);
    const attached = projectContainers(context, { oneOff: true }).filter((container) => container.NetworkSettings.Networks[name]);
    const kept = attached
      .filter((container) => keeps.includes(container.Id))
      .map((container) => ({ container, wasRunning: container.State.Running, endpoint: container.NetworkSettings.Networks[name] }));
    await Promise.all(attached.map((container) => stopContainer(context, container, timeoutMs)));
    for (const container of attached) await backend.containers.disconnect(container.Id, name);
    await backend.networks.remove(name);
    await this.#createNetwork(name);
    for (const { container, wasRunning, endpoint } of kept) {
      try {
        await backend.containers.connect(container.Id, name, { ...endpoint });
        const [failed] = wasRunning ? await backend.containers.startMany([container.Id]) : [];
        if (failed) throw failed.error;
      } catch (error) {
        progress.warn(`${nameOf(container)} could not be put back on network ${name}: ${messageOf(error)}`);
      }
    }
  }

  #createVolume(name: string): Promise<void> {
    const [key, definition] = Object.entries(this.#o.project.volumes).find(([, one]) => one.name === name) ?? [];
    if (key === undefined || !definition) throw new BerthError("volume/not-found", `get ${name}: no such volume`);
    return this.#o.context.progress.around(`Volume ${name}`, ["creating", "created"], () => {
      this.#o.context.backend.volumes.create(
        name,
        volumeBody(this.#o.project, key, definition, this.#o.context.backend.volumeHash(definition)),
      );
    });
  }

  async #create(service: string, number: number, because: string): Promise<void> {
    const { progress, backend } = this.#o.context;
    const name = containerName(this.#o.project, this.#definition(service), number);
    const id = `Container ${name}`;
    progress.begin(id, "creating", because);
    try {
      backend.containers.create(name, this.#body(service, number));
      progress.done(id, "created");
    } catch (error) {
      throw this.#failed(id, service, "cannot be created", error);
    }
  }

  /** The new one is made first, so that the old one stays where that cannot be done. What follows is finished even after an abort. */
  async #recreate(oldId: string, service: string, number: number, because: string): Promise<void> {
    const { context, renewAnonVolumes = false, timeoutMs } = this.#o;
    const { backend, progress } = context;
    const old = backend.containers.find(oldId);
    if (!old) return this.#create(service, number, because);
    const name = containerName(this.#o.project, this.#definition(service), number);
    const id = `Container ${name}`;
    progress.begin(id, "recreating", because);
    try {
      const body = this.#body(service, number, old);
      const temporary = `${old.Id.slice(0, 12)}_${name}`;
      const left = backend.containers.find(temporary);
      if (left) await removeContainer(context, left, false);
      const created = backend.containers.create(temporary, body);
      try {
        await stopContainer(context, old, timeoutMs);
      } catch (error) {
        await backend.containers.remove(created.Id, { force: true, volumes: true });
        throw error;
      }
      await removeContainer(context, old, renewAnonVolumes);
      backend.containers.rename(created.Id, name);
      progress.done(id, "recreated");
    } catch (error) {
      throw this.#failed(id, service, "cannot be recreated", error);
    }
  }

  async #remove(containerId: string): Promise<void> {
    const { context, timeoutMs } = this.#o;
    const container = context.backend.containers.find(containerId);
    if (!container) return;
    const id = containerStep(container);
    context.progress.begin(id, "stopping");
    await stopContainer(context, container, timeoutMs);
    context.progress.done(id, "stopped");
    await context.progress.around(id, ["removing", "removed"], () => removeContainer(context, container, false));
  }

  async #restart(service: string, number: number, because: string): Promise<void> {
    const { context, timeoutMs } = this.#o;
    const container = this.#find(service, number);
    if (!container) return;
    const id = containerStep(container);
    context.progress.begin(id, "restarting", because);
    try {
      await stopContainer(context, container, timeoutMs);
      const [failed] = await context.backend.containers.startMany([container.Id]);
      if (failed) throw failed.error;
      await runHooks(context.backend, container, "post_start", this.#definition(service).post_start);
      context.progress.done(id, "restarted");
    } catch (error) {
      throw this.#failed(id, service, "cannot be restarted", error);
    }
  }

  #body(service: string, number: number, old?: Container): ContainerCreateBody {
    const { context, project, renewAnonVolumes } = this.#o;
    const definition = this.#definition(service);
    const { body, declared } = bodyOfService(context, {
      project,
      service: definition,
      number,
      name: containerName(project, definition, number),
    });
    if (!old) return body;
    const mounts = renewAnonVolumes ? body.HostConfig?.Mounts : inheritVolumes(body.HostConfig?.Mounts ?? [], old, declared);
    return { ...body, Labels: { ...body.Labels, [label.replace]: nameOf(old) }, HostConfig: { ...body.HostConfig, Mounts: mounts ?? [] } };
  }

  /** One that was being replaced when the engine was killed still has the name that it was made under. */
  #takeName(container: Container, service: string, number: number): void {
    const { containers } = this.#o.context.backend;
    const name = containerName(this.#o.project, this.#definition(service), number);
    if (nameOf(container).endsWith(`_${name}`) && !containers.find(name)) containers.rename(container.Id, name);
  }

  /** The service's container of that number; while two have it, the newer. */
  #find(service: string, number: number): Container | undefined {
    return containersOf(this.#o.context, service)
      .filter((container) => Number(container.Config.Labels?.[label.number] ?? 1) === number)
      .sort((a, b) => (a.Created < b.Created ? 1 : -1))[0];
  }

  #definition(service: string): Service {
    const entry = this.#o.entries[service];
    if (!entry) throw new BerthError("scheduler/no-such-service", `no such service: ${service}`);
    return entry.definition;
  }

  /** An error that names the service and says what was attempted; it is told as the step's. */
  #failed(id: string, service: string, attempt: string, error: unknown): BerthError {
    const named = failedAction(service, attempt, error);
    this.#o.context.progress.failed(id, named);
    return named;
  }

  async #named(container: Container, attempt: string, error: unknown): Promise<BerthError> {
    const service = container.Config.Labels?.[label.service] ?? nameOf(container);
    return failedAction(service, attempt, error, (await logHint(this.#o.context.backend, container.Id)).hint);
  }
}
