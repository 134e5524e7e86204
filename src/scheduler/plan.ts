import { dependencyOrder } from "./order.ts";
import { type Dependency, type Desired, type DesiredService, isUp, type Observed, type ObservedContainer, satisfies } from "./state.ts";

/** One step. `after` names the ids of the steps that have to be done first. */
export type Action = {
  readonly id: string;
  /** Why it is in the plan, for people. */
  readonly because: string;
  readonly after: readonly string[];
  /** The service that it is for; a network or volume has none. */
  readonly service?: string;
} & (
  | { readonly kind: "create-network"; readonly name: string }
  /** `keeps`: the containers that are on it and that no other step makes again or removes. */
  | { readonly kind: "recreate-network"; readonly name: string; readonly keeps: readonly string[] }
  | { readonly kind: "create-volume"; readonly name: string }
  | { readonly kind: "build"; readonly service: string }
  | { readonly kind: "pull"; readonly service: string }
  | { readonly kind: "create"; readonly service: string; readonly number: number }
  | { readonly kind: "recreate"; readonly service: string; readonly container: ObservedContainer }
  /** The service's container of that number, whichever the steps before made of it. */
  | { readonly kind: "start"; readonly service: string; readonly number: number }
  | { readonly kind: "restart"; readonly service: string; readonly number: number }
  | { readonly kind: "wait"; readonly service: string; readonly dependency: Dependency }
  | { readonly kind: "remove"; readonly service: string; readonly container: ObservedContainer }
);

export interface Plan {
  /** In an order in which they could be done one after the other. */
  readonly actions: readonly Action[];
  /** What differs and is left as it is. */
  readonly warnings: readonly string[];
}

/**
 * What has to be done so that what there is becomes what is asked for. Pure: the same states give the same plan, and the plan for a state in which all of
 * its actions were done is empty.
 */
export function plan(desired: Desired, observed: Observed): Plan {
  const planner = new Planner(desired, observed);
  return planner.plan();
}

class Planner {
  readonly #desired: Desired;
  readonly #observed: Observed;
  readonly #actions: Action[] = [];
  readonly #warnings: string[] = [];
  /** Ids of the steps after which a service's containers exist (made, recreated), and after which they were started. */
  readonly #made = new Map<string, string[]>();
  readonly #started = new Map<string, string[]>();
  readonly #recreated = new Set<string>();
  /** Of a service, what stays, and the steps by which the rest goes: that is not waited for. */
  readonly #kept = new Map<string, readonly ObservedContainer[]>();
  readonly #removed = new Map<string, string[]>();

  constructor(desired: Desired, observed: Observed) {
    this.#desired = desired;
    this.#observed = observed;
  }

  plan(): Plan {
    this.#resources();
    const services = new Map(this.#desired.services.map((service) => [service.name, service]));
    const order = dependencyOrder(
      new Map([...services.values()].map((service) => [service.name, service.dependsOn.map((dependency) => dependency.service)])),
    );
    for (const name of order) {
      const service = services.get(name);
      if (service) this.#service(service, services);
    }
    this.#orphans();
    return { actions: this.#actions, warnings: this.#warnings };
  }

  #resources(): void {
    for (const network of this.#desired.networks) {
      const hash = this.#observed.networks.get(network.name);
      if (network.external) continue;
      const id = `Network ${network.name}`;
      if (hash === undefined)
        this.#add({ kind: "create-network", id, name: network.name, because: `network ${network.name} does not exist`, after: [] });
      else if (hash !== "" && hash !== network.hash)
        this.#add({
          kind: "recreate-network",
          id,
          name: network.name,
          because: `network ${network.name} is configured otherwise`,
          keeps: this.#bystanders(network.name),
          after: [],
        });
    }
    for (const volume of this.#desired.volumes) {
      const hash = this.#observed.volumes.get(volume.name);
      if (volume.external) continue;
      if (hash === undefined)
        this.#add({
          kind: "create-volume",
          id: `Volume ${volume.name}`,
          name: volume.name,
          because: `volume ${volume.name} does not exist`,
          after: [],
        });
      else if (hash !== "" && hash !== volume.hash)
        this.#warnings.push(`volume ${volume.name} is configured otherwise than it was made; it is kept as it is, because it has data`);
    }
  }

  #service(service: DesiredService, services: ReadonlyMap<string, DesiredService>): void {
    const name = service.name;
    const own = this.#containers(name);
    const image = this.#image(service);
    const ready = [...image, ...this.#resourceSteps(service)];
    const dependencies = service.dependsOn.filter((dependency) => services.has(dependency.service));
    // What shares another one's namespaces or volumes needs it to exist; an order for all costs nothing.
    const made = dependencies.flatMap((dependency) => this.#made.get(dependency.service) ?? []);
    const surplus = this.#surplus(service, own);
    for (const container of surplus) {
      this.#note(this.#removed, name, `Container ${container.name}`);
      this.#add({
        kind: "remove",
        id: `Container ${container.name}`,
        service: name,
        container,
        because: `scaled to ${service.replicas}`,
        after: this.#networkSteps(container),
      });
    }
    const kept = own.filter((container) => !surplus.includes(container));
    this.#kept.set(name, kept);
    const toStart: { number: number; because: string; after: string[] }[] = [];
    for (const container of kept) {
      // One that was being replaced when the engine was killed gives its name and its ports free first.
      const twins = surplus.filter((other) => other.number === container.number).map((other) => `Container ${other.name}`);
      const because = this.#recreation(service, container);
      if (because !== undefined) {
        const id = `Container ${container.name}`;
        this.#add({
          kind: "recreate",
          id,
          service: name,
          container,
          because,
          after: [...ready, ...made, ...twins, ...this.#networkSteps(container)],
        });
        this.#note(this.#made, name, id);
        this.#recreated.add(name);
        if (service.start) toStart.push({ number: container.number, because, after: [id] });
      } else if (service.start && this.#needsStart(container)) {
        toStart.push({ number: container.number, because: startReason(container), after: [...ready, ...twins] });
      }
    }
    for (const number of freeNumbers(kept, service.replicas)) {
      const id = `Container ${name} #${number}`;
      const because = kept.length === 0 ? "it does not exist" : `scaled to ${service.replicas}`;
      this.#add({ kind: "create", id, service: name, number, because, after: [...ready, ...made] });
      this.#note(this.#made, name, id);
      if (service.start) toStart.push({ number, because: "it was made", after: [id] });
    }
    // A dependency that is made again takes those with it that asked for it.
    const cause = service.start
      ? dependencies.find((dependency) => dependency.restart && this.#recreated.has(dependency.service))
      : undefined;
    const restarted = cause
      ? kept.filter((container) => isUp(container) && !toStart.some((start) => start.number === container.number))
      : [];
    if (toStart.length === 0 && restarted.length === 0) return;
    const waits = dependencies.flatMap((dependency) => this.#wait(service, dependency));
    for (const start of toStart) {
      const id = `Start ${name} #${start.number}`;
      this.#add({ kind: "start", id, service: name, number: start.number, because: start.because, after: [...start.after, ...waits] });
      this.#note(this.#started, name, id);
    }
    for (const container of restarted) {
      const id = `Restart ${name} #${container.number}`;
      const because = `${cause?.service} is made again`;
      this.#add({ kind: "restart", id, service: name, number: container.number, because, after: waits });
      this.#note(this.#started, name, id);
    }
  }

  /** Orphans that stay, one-offs, and services that the request is not about. */
  #bystanders(network: string): string[] {
    const isTouched = ({ service, oneOff }: ObservedContainer) =>
      !oneOff &&
      (this.#desired.services.some(({ name }) => name === service) ||
        (this.#desired.removeOrphans && !this.#desired.known.includes(service)));
    return this.#observed.containers
      .filter((container) => container.networks.includes(network) && !isTouched(container))
      .map((container) => container.id);
  }

  #containers(service: string): ObservedContainer[] {
    return this.#observed.containers
      .filter((container) => container.service === service && !container.oneOff && container.status !== "removing")
      .sort((a, b) => a.number - b.number);
  }

  #image(service: DesiredService): string[] {
    if (!service.image) return [];
    const id = `Image ${service.name}`;
    this.#add({ kind: service.image.action, id, service: service.name, because: service.image.because, after: [] });
    return [id];
  }

  #resourceSteps(service: DesiredService): string[] {
    const wanted = new Set([
      ...service.networks.map((network) => `Network ${network}`),
      ...service.volumes.map((volume) => `Volume ${volume}`),
    ]);
    return this.#actions.filter((action) => wanted.has(action.id)).map((action) => action.id);
  }

  #networkSteps(container: ObservedContainer): string[] {
    const ids = new Set(container.networks.map((network) => `Network ${network}`));
    return this.#actions.filter((action) => ids.has(action.id)).map((action) => action.id);
  }

  /** Those beyond the number of replicas: the newest numbers go first, and of two with one number the older. */
  #surplus(service: DesiredService, own: readonly ObservedContainer[]): ObservedContainer[] {
    const byNumber = new Map<number, ObservedContainer>();
    for (const container of [...own].sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1)))
      if (!byNumber.has(container.number)) byNumber.set(container.number, container);
    const kept = new Set([...byNumber.values()].sort((a, b) => a.number - b.number).slice(0, service.replicas));
    return own.filter((container) => !kept.has(container));
  }

  #recreation(service: DesiredService, container: ObservedContainer): string | undefined {
    const recreatedNetwork = this.#actions.find((action) => action.kind === "recreate-network" && container.networks.includes(action.name));
    if (recreatedNetwork) return recreatedNetwork.because;
    const shared = service.shares?.find((name) => this.#recreated.has(name));
    if (shared !== undefined) return `${shared} is made again`;
    if (container.isTornOff) return "what it shares with is gone";
    if (service.recreate === "never") return undefined;
    if (service.recreate === "always" && container.createdMs < this.#desired.requestedMs) return "it was asked for";
    if (container.configHash !== service.configHash) return this.#difference(service, container);
    if (service.imageId !== undefined && container.imageId !== service.imageId) return "its image changed";
    return undefined;
  }

  /** Which keys of the definition differ, where the old one is still known. */
  #difference(service: DesiredService, container: ObservedContainer): string {
    const old = this.#observed.configs.get(container.configHash);
    if (!old) return "its configuration changed";
    const keys = [...new Set([...Object.keys(old), ...Object.keys(service.config)])].filter(
      (key) => JSON.stringify(old[key]) !== JSON.stringify(service.config[key]),
    );
    return keys.length === 0 ? "its configuration changed" : `${keys.sort().join(", ")} changed`;
  }

  /** A container that ended is started once for each request; what its restart policy does in between is not a plan's business. */
  #needsStart(container: ObservedContainer): boolean {
    if (container.status === "exited" && this.#desired.completed?.has(container.service)) return false;
    return !isUp(container) && container.startedMs < this.#desired.requestedMs;
  }

  #wait(service: DesiredService, dependency: Dependency): string[] {
    const pending = this.#started.get(dependency.service) ?? [];
    const kept = this.#kept.get(dependency.service) ?? [];
    if (pending.length === 0 && satisfies(kept, dependency.condition)) return [];
    if (dependency.condition === "service_started") return pending;
    const id = `Wait for ${dependency.service}: ${dependency.condition}${dependency.required ? "" : " (optional)"}`;
    if (!this.#actions.some((action) => action.id === id))
      this.#add({
        kind: "wait",
        id,
        service: dependency.service,
        dependency,
        because: `${service.name} depends on it`,
        after: [...pending, ...(this.#removed.get(dependency.service) ?? [])],
      });
    return [id];
  }

  #orphans(): void {
    const orphans = this.#observed.containers.filter(
      (container) => !container.oneOff && container.status !== "removing" && !this.#desired.known.includes(container.service),
    );
    if (orphans.length === 0) return;
    if (!this.#desired.removeOrphans) {
      this.#warnings.push(
        `Found orphan containers ([${orphans.map((container) => container.name).join(" ")}]) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up.`,
      );
      return;
    }
    for (const container of orphans)
      this.#add({
        kind: "remove",
        id: `Container ${container.name}`,
        service: container.service,
        container,
        because: "its service is not in the file",
        after: this.#networkSteps(container),
      });
  }

  #add(action: Action): void {
    this.#actions.push(action);
  }

  #note(map: Map<string, string[]>, service: string, id: string): void {
    map.set(service, [...(map.get(service) ?? []), id]);
  }
}

function freeNumbers(kept: readonly ObservedContainer[], replicas: number): number[] {
  const used = new Set(kept.map((container) => container.number));
  const free: number[] = [];
  for (let number = 1; used.size + free.length < replicas; number++) if (!used.has(number)) free.push(number);
  return free;
}

function startReason(container: ObservedContainer): string {
  return container.startedMs === 0 ? "it was never started" : `it is not running (exit code ${container.exitCode})`;
}
