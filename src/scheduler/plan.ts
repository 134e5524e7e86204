import type { Action, Plan } from "./action.ts";
import { dependencyOrder } from "./order.ts";
import { freeNumbers, surplusContainers } from "./replicas.ts";
import { type Dependency, type Desired, type DesiredService, isUp, type Observed, type ObservedContainer, satisfies } from "./state.ts";

/**
 * What has to be done so that what there is becomes what is asked for. Pure: the same states give the same plan, and the plan for a state in which all of
 * its actions were done is empty.
 */
export function plan(desired: Desired, observed: Observed): Plan {
  const planner = new Planner(desired, observed);
  return planner.plan();
}

interface Start {
  readonly number: number;
  readonly because: string;
  readonly after: readonly string[];
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
    const own = this.#observed.containers
      .filter((container) => container.service === name && !container.oneOff && container.status !== "removing")
      .sort((a, b) => a.number - b.number);
    const ready = [...this.#image(service), ...this.#resourceSteps(service)];
    const dependencies = service.dependsOn.filter((dependency) => services.has(dependency.service));
    // What shares another one's namespaces or volumes needs it to exist; an order for all costs nothing.
    const made = dependencies.flatMap((dependency) => this.#made.get(dependency.service) ?? []);
    const surplus = surplusContainers(own, service.replicas);
    for (const container of surplus) this.#removeSurplus(service, container);
    const kept = own.filter((container) => !surplus.includes(container));
    this.#kept.set(name, kept);
    const starts = [
      ...kept.flatMap((container) => this.#keep(service, container, { ready, made, surplus })),
      ...freeNumbers(kept, service.replicas).map((number) =>
        this.#create(service, number, { isFirst: kept.length === 0, after: [...ready, ...made] }),
      ),
    ];
    if (service.start) this.#start(service, { kept, dependencies, starts });
  }

  #removeSurplus({ name, replicas }: DesiredService, container: ObservedContainer): void {
    const id = `Container ${container.name}`;
    this.#note(this.#removed, name, id);
    this.#add({ kind: "remove", id, service: name, container, because: `scaled to ${replicas}`, after: this.#networkSteps(container) });
  }

  /** A container that stays: made again where it differs. Answers the start that it needs. */
  #keep(
    service: DesiredService,
    container: ObservedContainer,
    o: { ready: readonly string[]; made: readonly string[]; surplus: readonly ObservedContainer[] },
  ): Start[] {
    const { name } = service;
    const { number } = container;
    // One that was being replaced when the engine was killed gives its name and its ports free first.
    const twins = o.surplus.filter((other) => other.number === number).map((other) => `Container ${other.name}`);
    const because = this.#recreation(service, container);
    if (because === undefined)
      return this.#needsStart(container) ? [{ number, because: startReason(container), after: [...o.ready, ...twins] }] : [];
    const id = `Container ${container.name}`;
    const after = [...o.ready, ...o.made, ...twins, ...this.#networkSteps(container)];
    this.#add({ kind: "recreate", id, service: name, container, because, after });
    this.#note(this.#made, name, id);
    this.#recreated.add(name);
    return [{ number, because, after: [id] }];
  }

  #create({ name, replicas }: DesiredService, number: number, o: { isFirst: boolean; after: readonly string[] }): Start {
    const id = `Container ${name} #${number}`;
    const because = o.isFirst ? "it does not exist" : `scaled to ${replicas}`;
    this.#add({ kind: "create", id, service: name, number, because, after: o.after });
    this.#note(this.#made, name, id);
    return { number, because: "it was made", after: [id] };
  }

  /** Starts what is to run, and restarts with a dependency that is made again what asked for that; both after what they depend on. */
  #start(
    service: DesiredService,
    o: { kept: readonly ObservedContainer[]; dependencies: readonly Dependency[]; starts: readonly Start[] },
  ): void {
    const { name } = service;
    const cause = o.dependencies.find((dependency) => dependency.restart && this.#recreated.has(dependency.service));
    const restarted = cause
      ? o.kept.filter((container) => isUp(container) && !o.starts.some(({ number }) => number === container.number))
      : [];
    if (o.starts.length === 0 && restarted.length === 0) return;
    const waits = o.dependencies.flatMap((dependency) => this.#wait(service, dependency));
    for (const { number, because, after } of o.starts) {
      const id = `Start ${name} #${number}`;
      this.#add({ kind: "start", id, service: name, number, because, after: [...after, ...waits] });
      this.#note(this.#started, name, id);
    }
    for (const { number } of restarted) {
      const id = `Restart ${name} #${number}`;
      this.#add({ kind: "restart", id, service: name, number, because: `${cause?.service} is made again`, after: waits });
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

  #recreation(service: DesiredService, container: ObservedContainer): string | undefined {
    const recreatedNetwork = this.#actions.find((action) => action.kind === "recreate-network" && container.networks.includes(action.name));
    if (recreatedNetwork) return recreatedNetwork.because;
    const shared = service.shares?.find((name) => this.#recreated.has(name));
    if (shared !== undefined) return `${shared} is made again`;
    if (container.isTornOff) return "what it shares with is gone";
    if (service.recreate === "never") return undefined;
    if (service.recreate === "always" && container.createdMs < this.#desired.requestedMs) return "it was asked for";
    if (container.configHash !== service.configHash) return difference(this.#observed.configs.get(container.configHash), service.config);
    if (service.imageId !== undefined && container.imageId !== service.imageId) return "its image changed";
    return undefined;
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

function startReason(container: ObservedContainer): string {
  return container.startedMs === 0 ? "it was never started" : `it is not running (exit code ${container.exitCode})`;
}

/** Which keys of the definition differ, where the old one is still known. */
function difference(old: Readonly<Record<string, unknown>> | undefined, now: Readonly<Record<string, unknown>>): string {
  const keys = [...new Set([...Object.keys(old ?? {}), ...Object.keys(now)])].filter(
    (key) => JSON.stringify(old?.[key]) !== JSON.stringify(now[key]),
  );
  return old === undefined || keys.length === 0 ? "its configuration changed" : `${keys.sort().join(", ")} changed`;
}
