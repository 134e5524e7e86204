import type {
  Container,
  DockerEvent,
  DownOptions,
  Project,
  ProjectAction,
  ProjectEvent,
  ProjectPut,
  ProjectStatus,
  ProjectWatchRequest,
  RunRequest,
  Service,
  UpOptions,
  WireError,
} from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import { type ActionKind, actOn } from "./container-actions.ts";
import { dependenciesOf } from "./dependencies.ts";
import { comparedConfig } from "./desired.ts";
import { takeDown } from "./down.ts";
import { driftPlan, isOneOffEvent, OrderlyStops } from "./drift.ts";
import { execute } from "./execute.ts";
import { label, serviceOf } from "./labels.ts";
import { hashOf } from "./observe.ts";
import { createOneOff } from "./one-off.ts";
import type { Plan } from "./plan.ts";
import type { Backend } from "./ports.ts";
import { prepareImages } from "./prepare-images.ts";
import { Progress, type Tell, wireError } from "./progress.ts";
import { type ProjectContext, projectContainers } from "./project-context.ts";
import {
  afterUp,
  type DesiredEntry,
  type ProjectRecord,
  selectServices,
  withoutGoal,
  withoutWatch,
  withServices,
} from "./project-record.ts";
import { filesHash, serviceFiles } from "./service-files.ts";
import { bringUp } from "./up.ts";
import { UpEffects, type UpEffectsOptions } from "./up-effects.ts";
import { ControlledWatch } from "./watch/controlled-watch.ts";
import { onlyRebuilt } from "./watch/only-rebuilt.ts";
import { whileStopped } from "./while-stopped.ts";

/** Where desired states are kept. */
export interface ProjectStore {
  get(name: string): ProjectRecord | undefined;
  put(name: string, record: ProjectRecord): void;
  /** Also the files that were written for its containers. */
  delete(name: string): void;
}

export interface Logger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
}

/** How long what goes away has to be quiet before it is repaired: another client that takes the whole project down is not to be fought. */
const quietMs = 300;
/** A repair that failed is tried again after 1, 2, 4, ... up to 60 s. */
const maxRetryMs = 60_000;

/**
 * Keeps one project as it is desired. Invariants: one piece of work at a time; a stop, kill, rm or down cuts off what is on its way and what waits before it; the
 * record on disk is written before anything is done, and says what is not finished.
 */
export class ProjectController {
  readonly name: string;
  readonly #backend: Backend;
  readonly #store: ProjectStore;
  readonly #log: Logger;
  readonly #holds: UpEffectsOptions["holds"] = new Set();
  #queue: Promise<unknown> = Promise.resolve();
  #abort = new AbortController();
  #working = 0;
  #lastError: WireError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;
  readonly #stops = new OrderlyStops();
  readonly #watch: ControlledWatch;
  /** Something went away while work was in hand. */
  #missed = false;

  constructor(name: string, o: { backend: Backend; store: ProjectStore; log: Logger }) {
    this.name = name;
    this.#backend = o.backend;
    this.#store = o.store;
    this.#log = o.log;
    this.#watch = new ControlledWatch({
      name,
      backend: o.backend,
      work: {
        restart: (service) => this.act("restart", { services: [service] }, () => {}),
        rebuild: (services, tell) => this.#rebuild(services, tell),
      },
    });
  }

  /** Brings what the request selects up. The caller may go away: the work goes on. */
  up({ project, options }: ProjectPut, tell: Tell): Promise<void> {
    return this.#serial(async (signal) => {
      const previous = this.#store.get(this.name);
      const selection = selectServices(project, options);
      const record = afterUp(previous, { project, options, selection, nowMs: this.#backend.nowMs() });
      await this.#bring(record, options, { previous, tell, signal });
      if (record.watch && !options.dryRun) await this.#watch.switchOn({ project, services: record.watch.services }, tell);
    });
  }

  /** Stops what uses these volumes, does the work and starts it again. */
  whileStopped<T>(volumes: readonly string[], tell: Tell, work: () => Promise<T>): Promise<void> {
    return this.#serial(async (signal) => {
      const record = this.#store.get(this.name);
      const context = this.#context(tell, signal, (name) => record?.services[name]?.definition);
      await whileStopped({ context, entries: record?.services ?? {}, holds: this.#holds }, new Set(volumes), work);
    });
  }

  /** Switches watching on (with the project's rules as they are sent) or off; the containers are those that there are. */
  watch({ on, project, services = [] }: ProjectWatchRequest, tell: Tell): Promise<void> {
    return this.#serial(async () => {
      const record = this.#store.get(this.name);
      if (!on) {
        if (record?.watch) this.#store.put(this.name, withoutWatch(record));
        return this.#watch.switchOff();
      }
      if (!record)
        throw new BerthError("project/not-found", `${this.name} is not up, so there is nothing to bring changes into`, {
          hint: "`berth up --watch` starts it and watches.",
        });
      this.#store.put(this.name, { ...record, watch: { services } });
      await this.#watch.switchOn({ project: project ?? record.project, services }, tell);
    });
  }

  /** What watching does from now on; answers how to stop listening. */
  listen(tell: Tell): () => void {
    return this.#watch.listen(tell);
  }

  /** A container of the project is about to start: it gets what was changed since the watch is on. */
  async starting(container: Container): Promise<void> {
    await this.#watch.starting(container);
  }

  /** The build takes no turn: what else is asked for meanwhile is done meanwhile. */
  async #rebuild(names: readonly string[], tell: Tell): Promise<void> {
    const before = this.#store.get(this.name);
    if (!before) return;
    const { signal } = this.#abort;
    const { progress } = this.#context(tell, signal);
    const built = new Set(names.filter((name) => before.services[name]?.definition.build));
    const needs = new Map([...built].map((name) => [name, { action: "build" as const, because: "its source changed" }]));
    await prepareImages({ backend: this.#backend, project: before.project, progress, signal }, needs);
    await this.#serial(async (turn) => {
      const record = this.#store.get(this.name);
      if (!record) return;
      const context = this.#context(tell, turn, (name) => record.services[name]?.definition);
      const all = new Set(Object.keys(record.services));
      const options = { build: "never" as const, recreate: "changed" as const };
      const only = (plan: Plan): Plan => onlyRebuilt(plan, built);
      await bringUp({ context, record, selection: { direct: built, all }, options, holds: this.#holds, configs: new Map(), only });
    });
  }

  async #bring(
    record: ProjectRecord,
    options: UpOptions,
    o: { previous: ProjectRecord | undefined; tell: Tell; signal: AbortSignal },
  ): Promise<void> {
    const selection = selectServices(record.project, options);
    const context = this.#context(o.tell, o.signal, (name) => record.project.services[name]);
    const work = { context, record, selection, options, holds: this.#holds, configs: this.#configs(o.previous) };
    if (options.dryRun) return bringUp(work);
    let isAccepted = false;
    const accepted = () => {
      this.#store.put(this.name, record);
      isAccepted = true;
    };
    try {
      await bringUp({ ...work, accepted });
      this.#store.put(this.name, withoutGoal(withServices(record, selection.all, (entry) => ({ ...entry, settled: true }))));
    } catch (error) {
      // What is not there is left for the next request; it is not tried for ever. What an engine that ends has not done, the next engine does.
      if (isAccepted && !this.#closed)
        this.#store.put(
          this.name,
          withoutGoal(withServices(record, selection.all, (entry) => ({ ...entry, settled: this.#isThere(entry) }))),
        );
      throw error;
    }
  }

  #isThere(entry: DesiredEntry): boolean {
    const own = projectContainers({ backend: this.#backend, name: this.name }).filter(
      (container) => serviceOf(container) === entry.definition.name,
    );
    return own.length >= entry.replicas && own.every((container) => container.State.Running || !entry.start);
  }

  down(options: DownOptions, tell: Tell): Promise<void> {
    if (options.dryRun) return this.#serial((signal) => takeDown(this.#context(tell, signal), options, this.#file(options)));
    this.#interrupt("the project is taken down");
    return this.#serial(async (signal) => {
      const record = this.#store.get(this.name);
      const file = this.#file(options);
      const context = this.#context(tell, signal, (name) => options.project?.services[name] ?? record?.services[name]?.definition);
      const services = options.services ?? [];
      if (record && services.length > 0) this.#save(withServices(record, services, () => undefined));
      else if (record) this.#store.put(this.name, { ...record, services: {}, goal: { kind: "down", options } });
      await takeDown(context, options, file);
      if (services.length === 0) this.#store.delete(this.name);
      if (services.length === 0) await this.#watch.switchOff();
    });
  }

  act(kind: ActionKind, action: ProjectAction, tell: Tell): Promise<void> {
    if (kind === "stop" || kind === "kill" || kind === "rm") this.#interrupt(`a ${kind} was asked for`);
    return this.#serial(async (signal) => {
      const record = this.#store.get(this.name);
      const context = this.#context(tell, signal, (name) => action.project?.services[name] ?? record?.services[name]?.definition);
      const named = action.services?.length ? action.services : Object.keys(record?.services ?? {});
      if (record && (kind === "start" || kind === "restart"))
        this.#store.put(
          this.name,
          withServices(record, named, (entry) => ({ ...entry, start: true })),
        );
      if (record && (kind === "stop" || (kind === "rm" && action.stop)))
        this.#store.put(this.name, withoutGoal(withServices(record, named, (entry) => ({ ...entry, start: false }))));
      if (record && kind === "rm")
        this.#store.put(
          this.name,
          withServices(record, named, (entry) => ({ ...entry, settled: false })),
        );
      await actOn({ context, entries: record?.services ?? {}, holds: this.#holds }, kind, action);
      if (kind === "rm") this.#dropRemoved(named);
    });
  }

  /** Makes a one-off container, after what its service depends on is up. Answers its id. */
  run(request: RunRequest, tell: Tell): Promise<string> {
    return this.#serial(async (signal) => {
      const { project, service, noDeps, build, pull } = request;
      const previous = this.#store.get(this.name);
      const selection = selectServices(project, { services: [service], ...(noDeps ? { noDeps } : {}) });
      const options = {
        recreate: "never" as const,
        ...(build ? { build: "always" as const } : {}),
        ...(pull ? { pull } : {}),
        ...(request.removeOrphans ? { removeOrphans: true } : {}),
        ...(request.parallel === undefined ? {} : { parallel: request.parallel }),
        ...(request.auth ? { auth: request.auth } : {}),
      };
      const asked = afterUp(undefined, { project, options, selection, nowMs: this.#backend.nowMs() });
      // Its own containers are none of this request's business: of the service only the image is needed, and its networks and volumes.
      const record = withServices(asked, [service], (entry) => ({ ...entry, start: false }));
      const context = this.#context(tell, signal, (name) => project.services[name]);
      const own = (plan: Plan): Plan => ({ ...plan, actions: plan.actions.filter((action) => action.service !== service) });
      await bringUp({ context, record, selection, options, holds: this.#holds, configs: this.#configs(previous), only: own });
      if (!noDeps) await this.#waitForDependencies(context, record, service);
      return createOneOff(context, project, request);
    });
  }

  async #waitForDependencies(context: ProjectContext, record: ProjectRecord, name: string): Promise<void> {
    const dependencies = dependenciesOf(record.project.services[name]!).filter((dependency) => record.services[dependency.service]);
    const actions = dependencies.map((dependency) => ({
      kind: "wait" as const,
      id: `Wait for ${dependency.service}`,
      service: dependency.service,
      dependency,
      because: `${name} depends on it`,
      after: [],
    }));
    const effects = new UpEffects({ context, project: record.project, entries: record.services, holds: this.#holds });
    const outcome = await execute({ actions, warnings: [] }, effects, { signal: context.signal, concurrency: actions.length });
    if (outcome.failed[0]) throw outcome.failed[0].error;
  }

  /** Something happened to a container of the project; only one that goes away gives work. */
  wake(event: DockerEvent): void {
    if (this.#closed) return;
    const wasStopped = this.#stops.has(event.Actor.ID);
    this.#stops.see(event);
    if (event.Action !== "destroy" || isOneOffEvent(event)) return;
    if (this.#working > 0) {
      this.#missed = true;
      return;
    }
    const service = event.Actor.Attributes[label.service] ?? "";
    if (!this.#store.get(this.name)?.services[service]) return;
    // Stopped in an orderly way and then removed is a user's decision, by whichever client.
    if (wasStopped) this.#dropRemoved([service]);
    else this.#soon(quietMs);
  }

  /** After the engine's start: goes on with what was not finished, and repairs what went away meanwhile. */
  resume(): void {
    const record = this.#store.get(this.name);
    const goal = record?.goal;
    const tell: Tell = (event) => this.#logStep(event);
    const work = (): Promise<void> => {
      if (goal?.kind === "down") return this.down(goal.options, tell);
      if (goal?.kind !== "up" || !record) return this.#repair();
      const { wait: _wait, ...options } = goal.options;
      return this.#serial((signal) => this.#bring(record, options, { previous: record, tell, signal }));
    };
    work().catch((error: unknown) => this.#noteFailure(error));
    if (record?.watch && goal?.kind !== "down") this.#resumeWatch(record.project, record.watch.services);
  }

  #resumeWatch(project: Project, services: readonly string[]): void {
    const log: Tell = (event) =>
      event.type === "warning" && this.#log.warn({ project: this.name, effect: "those changes are not seen" }, event.message);
    this.#serial(() => this.#watch.switchOn({ project, services, isResumed: true }, log)).catch((error: unknown) =>
      this.#log.warn(
        { project: this.name, err: messageOf(error), effect: "changes are not brought in" },
        "the watch of a project could not go on",
      ),
    );
  }

  status(): ProjectStatus {
    const record = this.#store.get(this.name);
    const containers = projectContainers({ backend: this.#backend, name: this.name }, { oneOff: true });
    const labels = containers[0]?.Config.Labels ?? {};
    const isUp = containers.some((container) => container.State.Running);
    return {
      name: this.name,
      workingDir: record?.project.working_dir ?? labels[label.workingDir] ?? "",
      configFiles: record?.project.config_files ?? (labels[label.configFiles] ?? "").split(",").filter(Boolean),
      desired: record !== undefined,
      state: this.#holds.size > 0 ? "waiting" : this.#working > 0 ? "working" : this.#lastError ? "failed" : isUp ? "settled" : "stopped",
      holds: [...this.#holds],
      ...(this.#watch.status ? { watch: this.#watch.status } : {}),
      ...(this.#lastError ? { lastError: this.#lastError } : {}),
    };
  }

  get isBusy(): boolean {
    return this.#working > 0 || this.#timer !== undefined || this.#watch.isOn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#interrupt("the engine ends");
    await this.#queue;
    await this.#watch.switchOff();
  }

  #soon(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#repair().then(
        () => {
          this.#failures = 0;
        },
        (error: unknown) => this.#noteFailure(error),
      );
    }, delayMs);
  }

  /** What is desired and is not there is made again; what is there is not touched. */
  #repair(): Promise<void> {
    return this.#serial(async (signal) => {
      const record = this.#store.get(this.name);
      if (!record || this.#closed) return;
      const settled = new Set(Object.entries(record.services).flatMap(([name, entry]) => (entry.settled && entry.start ? [name] : [])));
      const context = this.#context(
        (event) => this.#logStep(event),
        signal,
        (name) => record.services[name]?.definition,
      );
      await bringUp({
        context,
        record,
        selection: { direct: settled, all: settled },
        options: { recreate: "never" },
        holds: this.#holds,
        configs: new Map(),
        only: driftPlan,
      });
    }, true);
  }

  #logStep(event: ProjectEvent): void {
    if (event.type === "step" && event.because)
      this.#log.info({ project: this.name, step: event.id, status: event.status, because: event.because }, "project repaired");
  }

  #noteFailure(error: unknown): void {
    if (this.#closed) return;
    this.#failures++;
    const delayMs = Math.min(maxRetryMs, 500 * 2 ** this.#failures);
    this.#log.warn(
      { project: this.name, err: messageOf(error), effect: `tried again in ${delayMs} ms` },
      "a project could not be repaired",
    );
    if (this.#store.get(this.name)) this.#soon(delayMs);
  }

  /** What a user removed is no longer asked for. */
  #dropRemoved(services: readonly string[]): void {
    const record = this.#store.get(this.name);
    if (!record) return;
    const left = projectContainers({ backend: this.#backend, name: this.name });
    const next = withServices(record, services, (entry) => {
      const replicas = left.filter((container) => serviceOf(container) === entry.definition.name).length;
      return replicas === 0 ? undefined : { ...entry, replicas: Math.min(entry.replicas, replicas), settled: true };
    });
    this.#save(next);
  }

  #save(record: ProjectRecord): void {
    if (Object.keys(record.services).length === 0) this.#store.delete(this.name);
    else this.#store.put(this.name, record);
  }

  #context(tell: Tell, signal: AbortSignal, definition: (name: string) => Service | undefined = () => undefined): ProjectContext {
    const nowMs = () => this.#backend.nowMs();
    return { backend: this.#backend, name: this.name, progress: new Progress(tell, nowMs), signal, definition };
  }

  #file(options: DownOptions): Project | undefined {
    return options.project ?? this.#store.get(this.name)?.project;
  }

  #configs(record: ProjectRecord | undefined): Map<string, Record<string, unknown>> {
    return new Map(
      Object.values(record?.services ?? {}).map(({ definition }) => {
        const files = record ? filesHash(serviceFiles(record.project, definition)) : "";
        return [hashOf(this.#backend.configHash(definition), files), comparedConfig(definition)];
      }),
    );
  }

  #interrupt(reason: string): void {
    this.#abort.abort(new BerthError("scheduler/cancelled", `${this.name}: cut off, because ${reason}`));
    this.#abort = new AbortController();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #serial<T>(work: (signal: AbortSignal) => Promise<T>, isRepair = false): Promise<T> {
    const { signal } = this.#abort;
    this.#working++;
    const next = this.#queue.then(async () => {
      try {
        signal.throwIfAborted();
        const result = await work(signal);
        // A repair only says that all of what once came up is there.
        if (!isRepair || this.#failures > 0) this.#lastError = undefined;
        return result;
      } catch (error) {
        this.#lastError = signal.aborted ? undefined : wireError(error);
        throw error;
      } finally {
        this.#working--;
        if (this.#working === 0 && this.#missed && !this.#closed && this.#store.get(this.name)) this.#soon(quietMs);
        if (this.#working === 0) this.#missed = false;
      }
    });
    this.#queue = next.catch(() => {});
    return next;
  }
}
