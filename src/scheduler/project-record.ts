import type { DownOptions, Project, Service, UpOptions } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { dependenciesOf } from "./dependencies.ts";
import { dependencyOrder } from "./order.ts";

/**
 * What a user asked of a project: `projects/<name>.json`, e.g.
 * {"project":{"name":"shop",...},"services":{"web":{"definition":{...},"replicas":1,"start":true}},"requestedMs":1760000000000,"goal":{"kind":"up","options":{}}}
 */
export interface ProjectRecord {
  /** As it was sent last: its networks, volumes and files are taken from here. */
  readonly project: Project;
  /** Only those that were asked for, each as it was defined then: `up web` leaves what the file says of the others alone. */
  readonly services: Readonly<Record<string, DesiredEntry>>;
  readonly requestedMs: number;
  /** Its sources are watched: those of these services, or of all that have rules. */
  readonly watch?: { readonly services: readonly string[] };
  /** What is not finished: the next engine goes on with it. */
  readonly goal?: { readonly kind: "up"; readonly options: UpOptions } | { readonly kind: "down"; readonly options: DownOptions };
}

export interface DesiredEntry {
  readonly definition: Service;
  readonly replicas: number;
  /** False: its containers are made and not started, or the user stopped it. */
  readonly start: boolean;
  /** All of it came up once: from then on what is missing is made again. */
  readonly settled: boolean;
}

/** Which services a request is for: those that it names, and what they need. `direct` are the named ones, or all. */
export interface Selection {
  readonly direct: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
}

/** @throws BerthError scheduler/no-such-service */
export function selectServices(project: Project, o: { services?: readonly string[]; noDeps?: boolean }): Selection {
  const named = o.services?.length ? o.services : Object.keys(project.services);
  for (const name of named) if (!project.services[name]) throw noSuchService(project, name);
  const all = new Set<string>();
  const add = (name: string): void => {
    const service = project.services[name];
    if (!service || all.has(name)) return;
    all.add(name);
    if (!o.noDeps) for (const dependency of dependenciesOf(service)) add(dependency.service);
  };
  for (const name of named) add(name);
  return { direct: new Set(named), all };
}

/** A selection without the services that were taken from it. */
export function narrowed({ direct, all }: Selection, services: ReadonlySet<string>): Selection {
  const kept = (names: ReadonlySet<string>) => new Set([...names].filter((name) => services.has(name)));
  return { direct: kept(direct), all: kept(all) };
}

export function noSuchService(project: Project, name: string): BerthError {
  return new BerthError("scheduler/no-such-service", `no such service: ${name}`, {
    place: { kind: "service", name },
    hint: `This project has: ${Object.keys(project.services).sort().join(", ") || "no services"}.`,
  });
}

/** How many containers a service is to have (compose-spec 05-services.md, scale; deploy.md, mode and replicas). */
function replicasOf(service: Service, scale: Readonly<Record<string, number>> = {}): number {
  const asked = scale[service.name] ?? service.scale ?? service.deploy?.replicas ?? 1;
  if (!Number.isInteger(asked) || asked < 0)
    throw new BerthError("scheduler/bad-scale", `service ${service.name}: ${asked} is no number of containers`);
  if (asked > 1 && service.container_name)
    throw new BerthError(
      "scheduler/bad-scale",
      `service ${service.name} has the container name "${service.container_name}", which only one container can have; ${asked} were asked for`,
      { place: { kind: "service", name: service.name }, hint: "Remove container_name to scale it." },
    );
  return asked;
}

/** The desired state after an `up`. Services of the file before that this request does not name stay as they were asked for. */
export function afterUp(
  previous: ProjectRecord | undefined,
  request: { project: Project; options: UpOptions; selection: Selection; nowMs: number },
): ProjectRecord {
  const { project, options, selection } = request;
  for (const name of Object.keys(options.scale ?? {})) if (!project.services[name]) throw noSuchService(project, name);
  // A cycle is refused before anything is done.
  dependencyOrder(
    new Map(Object.values(project.services).map((service) => [service.name, dependenciesOf(service).map((one) => one.service)])),
  );
  const kept = Object.entries(previous?.services ?? {}).filter(([name]) => project.services[name] && !selection.all.has(name));
  const asked = [...selection.all].map((name): [string, DesiredEntry] => {
    const definition = project.services[name]!; // selected from it
    return [name, { definition, replicas: replicasOf(definition, options.scale), start: !options.noStart, settled: false }];
  });
  return {
    project,
    services: Object.fromEntries([...kept, ...asked]),
    requestedMs: request.nowMs,
    ...(options.watch ? { watch: { services: options.services ?? [] } } : previous?.watch ? { watch: previous.watch } : {}),
    goal: { kind: "up", options: withoutCredentials(options) },
  };
}

/** A record is kept on disk: credentials are not. What has to be pulled after a restart of the engine is pulled without them. */
function withoutCredentials({ auth: _, ...options }: UpOptions): UpOptions {
  return options;
}

/** The same with some services changed; one that the change makes undefined is no longer asked for. */
export function withServices(
  record: ProjectRecord,
  names: Iterable<string>,
  change: (entry: DesiredEntry) => DesiredEntry | undefined,
): ProjectRecord {
  const services: Record<string, DesiredEntry> = { ...record.services };
  for (const name of names) {
    const entry = services[name];
    if (!entry) continue;
    const changed = change(entry);
    if (changed) services[name] = changed;
    else delete services[name];
  }
  return { ...record, services };
}

export function withoutWatch({ watch: _, ...record }: ProjectRecord): ProjectRecord {
  return record;
}

export function withoutGoal({ goal: _, ...record }: ProjectRecord): ProjectRecord {
  return record;
}

/** The desired state when the containers of these services are about to be started, stopped or removed by a request. `keepGoal`: an up of others goes on. */
export function beforeAction(record: ProjectRecord, kind: string, names: Iterable<string>, o: { keepGoal?: boolean } = {}): ProjectRecord {
  const settle = o.keepGoal ? (changed: ProjectRecord) => changed : withoutGoal;
  if (kind === "start" || kind === "restart") return withServices(record, names, (entry) => ({ ...entry, start: true }));
  if (kind === "stop") return settle(withServices(record, names, (entry) => ({ ...entry, start: false })));
  if (kind === "rm") return settle(withServices(record, names, (entry) => ({ ...entry, settled: false })));
  return record;
}
