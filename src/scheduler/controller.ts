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
} from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import { bringDesired } from "./bring-desired.ts";
import { type ActionKind, actOn } from "./container-actions.ts";
import { knownConfigs } from "./desired.ts";
import { DesiredRecord, type ProjectStore } from "./desired-record.ts";
import { takeDown } from "./down.ts";
import { DriftWatch } from "./drift-watch.ts";
import type { Backend } from "./ports.ts";
import { Progress, type Tell } from "./progress.ts";
import type { ProjectContext } from "./project-context.ts";
import {
  afterUp,
  beforeAction,
  narrowed,
  type ProjectRecord,
  type Selection,
  selectServices,
  withoutWatch,
  withServices,
} from "./project-record.ts";
import { projectStatus } from "./project-status.ts";
import { repairDrift } from "./repair-drift.ts";
import { runOneOff } from "./run-one-off.ts";
import type { Holds } from "./wait-for-dependency.ts";
import { ControlledWatch } from "./watch/controlled-watch.ts";
import { rebuildServices } from "./watch/rebuild-services.ts";
import { whileStopped } from "./while-stopped.ts";
import { WorkQueue } from "./work-queue.ts";

export interface Logger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
}

/**
 * Keeps one project as it is desired. Invariants: one piece of work on a service at a time; a stop, kill, rm or down cuts off what is on its way and what waits
 * before it, and one that names services only what is about those: an up goes on with the others. The record on disk is written before anything is done, and says what is not finished.
 */
export class ProjectController {
  readonly name: string;
  readonly #backend: Backend;
  readonly #desired: DesiredRecord;
  readonly #log: Logger;
  readonly #tell: Tell;
  readonly #holds: Holds = new Set();
  readonly #queue: WorkQueue;
  readonly #drift: DriftWatch;
  readonly #watch: ControlledWatch;
  #closed = false;

  /** `tell` is told of what the controller does unasked. */
  constructor(name: string, o: { backend: Backend; store: ProjectStore; log: Logger; tell?: Tell }) {
    this.name = name;
    this.#backend = o.backend;
    this.#desired = new DesiredRecord(name, o);
    this.#log = o.log;
    this.#tell = o.tell ?? (() => {});
    this.#queue = new WorkQueue(() => this.#drift.idle());
    this.#drift = new DriftWatch({
      repair: () => this.#repair(),
      removed: (service) => this.#desired.dropRemoved([service]),
      isDesired: (service) => (service === undefined ? this.#desired.get() : this.#desired.get()?.services[service]) !== undefined,
      isBusy: () => this.#queue.isBusy,
      warn: (data, message) => o.log.warn({ project: name, ...data }, message),
    });
    this.#watch = new ControlledWatch({
      name,
      backend: o.backend,
      notes: o.store.sourceNotes(name),
      work: {
        restart: (service) => this.act("restart", { services: [service] }, () => {}),
        rebuild: (services, tell) =>
          rebuildServices(services, {
            record: () => this.#desired.get(),
            queue: this.#queue,
            holds: this.#holds,
            context: (signal, { services: known }) => this.#context(tell, signal, (service) => known[service]?.definition),
          }),
      },
    });
  }

  /** Brings what the request selects up. The caller may go away: the work goes on. */
  async up({ project, options }: ProjectPut, tell: Tell): Promise<void> {
    const asked = selectServices(project, options);
    let nowMs: number | undefined;
    await this.#queue.withoutCutOff(asked.all, async (signal, services) => {
      const previous = this.#desired.get();
      const selection = narrowed(asked, services);
      nowMs ??= this.#backend.nowMs();
      const record = afterUp(previous, { project, options, selection, nowMs });
      await this.#bring(record, options, { previous, selection, tell, signal });
      if (record.watch && !options.dryRun) await this.#watch.switchOn({ project, services: record.watch.services }, tell);
    });
  }

  /** Stops what uses these volumes, does the work and starts it again. */
  whileStopped<T>(volumes: readonly string[], tell: Tell, work: () => Promise<T>): Promise<void> {
    return this.#queue.add(async (signal) => {
      const record = this.#desired.get();
      const context = this.#context(tell, signal, (name) => record?.services[name]?.definition);
      await whileStopped({ context, entries: record?.services ?? {}, holds: this.#holds }, new Set(volumes), work);
    });
  }

  /** Switches watching on (with the project's rules as they are sent) or off; the containers are those that there are. */
  watch({ on, project, services = [] }: ProjectWatchRequest, tell: Tell): Promise<void> {
    return this.#queue.add(async () => {
      const record = this.#desired.get();
      if (!on) {
        if (record?.watch) this.#desired.put(withoutWatch(record));
        return this.#watch.switchOff();
      }
      if (!record)
        throw new BerthError("project/not-found", `${this.name} is not up, so there is nothing to bring changes into`, {
          hint: "`berth up --watch` starts it and watches.",
        });
      this.#desired.put({ ...record, watch: { services } });
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

  #bring(
    record: ProjectRecord,
    options: UpOptions,
    o: { previous: ProjectRecord | undefined; selection: Selection; tell: Tell; signal: AbortSignal },
  ): Promise<void> {
    return bringDesired({
      context: this.#context(o.tell, o.signal, (name) => record.project.services[name]),
      desired: this.#desired,
      record,
      options,
      selection: o.selection,
      configs: knownConfigs(this.#backend, o.previous),
      holds: this.#holds,
      isClosed: () => this.#closed,
    });
  }

  /** Cuts off what is on its way, and what waits behind it; what was done stays as it is, and the rest is not asked for any more. */
  cancel(): void {
    this.#interrupt("it was cancelled");
  }

  down(options: DownOptions, tell: Tell): Promise<void> {
    if (options.dryRun)
      return this.#queue.add((signal) => takeDown(this.#context(tell, signal), options, options.project ?? this.#desired.get()?.project));
    const named = options.services?.length ? new Set(options.services) : undefined;
    this.#interrupt(named ? "services of it are taken down" : "the project is taken down", named);
    const work = async (signal: AbortSignal) => {
      const record = this.#desired.get();
      const file = options.project ?? this.#desired.get()?.project;
      const context = this.#context(tell, signal, (name) => options.project?.services[name] ?? record?.services[name]?.definition);
      const services = options.services ?? [];
      if (record && services.length > 0) this.#desired.putOrDelete(withServices(record, services, () => undefined));
      else if (record) this.#desired.put({ ...record, services: {}, goal: { kind: "down", options } });
      await takeDown(context, options, file);
      if (services.length === 0) this.#desired.delete();
      if (services.length === 0) await this.#watch.switchOff();
    };
    return this.#queue.add(work, { services: named, beside: named !== undefined });
  }

  act(kind: ActionKind, action: ProjectAction, tell: Tell): Promise<void> {
    const named = action.services?.length ? new Set(action.services) : undefined;
    const work = async (signal: AbortSignal, services: ReadonlySet<string> | undefined = named) => {
      const record = this.#desired.get();
      const context = this.#context(tell, signal, (name) => action.project?.services[name] ?? record?.services[name]?.definition);
      const meant = services ? [...services] : Object.keys(record?.services ?? {});
      if (record) this.#desired.put(beforeAction(record, kind, meant, { keepGoal: services !== undefined }));
      const request = services ? { ...action, services: [...services] } : action;
      await actOn({ context, entries: record?.services ?? {}, holds: this.#holds }, kind, request);
      if (kind === "rm") this.#desired.dropRemoved(meant);
    };
    if (kind === "start" && named) return this.#queue.withoutCutOff(named, work);
    const cutsOff = kind === "stop" || kind === "kill" || kind === "rm";
    if (cutsOff) this.#interrupt(`a ${kind} was asked for`, named);
    return this.#queue.add((signal) => work(signal), { services: named, beside: cutsOff && named !== undefined });
  }

  /** Makes a one-off container, after what its service depends on is up. Answers its id. */
  run(request: RunRequest, tell: Tell): Promise<string> {
    return this.#queue.add((signal) => {
      const context = this.#context(tell, signal, (name) => request.project.services[name]);
      return runOneOff(context, request, { previous: this.#desired.get(), holds: this.#holds });
    });
  }

  /** Something happened to a container of the project. */
  wake(event: DockerEvent): void {
    this.#drift.see(event);
  }

  /** After the engine's start: goes on with what was not finished, and repairs what went away meanwhile. */
  resume(): void {
    const record = this.#desired.get();
    const goal = record?.goal;
    const tell: Tell = (event) => this.#logStep(event);
    const work = (): Promise<void> => {
      if (goal?.kind === "down") return this.down(goal.options, tell);
      if (goal?.kind !== "up" || !record) return this.#repair();
      const { wait: _wait, ...options } = goal.options;
      const asked = selectServices(record.project, options);
      return this.#queue.withoutCutOff(asked.all, (signal, services) => {
        const now = this.#desired.get() ?? record;
        return this.#bring(now, options, { previous: now, selection: narrowed(asked, services), tell, signal });
      });
    };
    this.#drift.start(work);
    if (record?.watch && goal?.kind !== "down") this.#resumeWatch(record.project, record.watch.services);
  }

  #resumeWatch(project: Project, services: readonly string[]): void {
    const log: Tell = (event) =>
      event.type === "warning" && this.#log.warn({ project: this.name, effect: "those changes are not seen" }, event.message);
    this.#queue
      .add(() => this.#watch.switchOn({ project, services, isResumed: true }, log))
      .catch((error: unknown) =>
        this.#log.warn(
          { project: this.name, err: messageOf(error), effect: "changes are not brought in" },
          "the watch of a project could not go on",
        ),
      );
  }

  status(): ProjectStatus {
    const { isBusy, lastError } = this.#queue;
    return projectStatus(this.#backend, this.name, {
      record: this.#desired.get(),
      holds: [...this.#holds],
      isBusy,
      ...(lastError ? { lastError } : {}),
      ...(this.#watch.status ? { watch: this.#watch.status } : {}),
    });
  }

  get isBusy(): boolean {
    return this.#queue.isBusy || this.#drift.isPending || this.#watch.isOn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#drift.close();
    this.#interrupt("the engine ends");
    await this.#queue.settled();
    await this.#watch.switchOff();
  }

  /** What is desired and is not there is made again; what is there is not touched. */
  #repair(): Promise<void> {
    return this.#queue.add(
      async (signal) => {
        const record = this.#desired.get();
        if (!record || this.#closed) return;
        const tell: Tell = (event) => this.#logStep(event);
        const context = this.#context(tell, signal, (name) => record.services[name]?.definition);
        await repairDrift(context, record, this.#holds);
      },
      { isRepair: true },
    );
  }

  #logStep(event: ProjectEvent): void {
    this.#tell(event);
    if (event.type === "step" && event.because)
      this.#log.info({ project: this.name, step: event.id, status: event.status, because: event.because }, "project repaired");
  }

  #context(tell: Tell, signal: AbortSignal, definition: (name: string) => Service | undefined = () => undefined): ProjectContext {
    const nowMs = () => this.#backend.nowMs();
    return { backend: this.#backend, name: this.name, progress: new Progress(tell, nowMs), signal, definition };
  }

  #interrupt(because: string, services?: ReadonlySet<string>): void {
    this.#queue.interrupt(because, services);
    this.#drift.cancel();
  }
}
