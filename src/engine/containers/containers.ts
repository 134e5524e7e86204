import type { ContainerCreateBody, EndpointSettings } from "../../api/index.ts";
import type { Networks } from "../../network/index.ts";
import type { Runtime, Volumes } from "../../runtime/index.ts";
import { BerthError, type BerthPaths } from "../../system/index.ts";
import type { UpdateBody } from "../container-api/update-validation.ts";
import type { EventBus } from "../event-bus.ts";
import type { Images, Logger } from "../ports.ts";
import type { Records } from "../records.ts";
import { ContainerBook } from "./book.ts";
import type { ContainerRecord } from "./container-record.ts";
import { updateContainer } from "./container-update.ts";
import { type CreateOptions, createContainer } from "./create.ts";
import { ExitWatch } from "./exits.ts";
import { withOwnRoot, withRoot } from "./files.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { parseLink } from "./links.ts";
import { type Live, nextExit } from "./live.ts";
import { ContainerLocks } from "./locks.ts";
import { checkName } from "./names.ts";
import { connectNetwork, disconnectNetwork, rewriteHosts } from "./networks.ts";
import type { ContainerParts } from "./parts.ts";
import { removeContainer, volumeUsers } from "./remove.ts";
import { RequestedRestarts } from "./requested-restarts.ts";
import { lowerDirs } from "./root.ts";
import { type StartFailure, startTogether } from "./start.ts";
import { killContainer, killSignal, pauseContainer, resumeContainer, type StopOptions, stopContainer } from "./stop.ts";
import { ContainerWaits } from "./waits.ts";

export interface ContainersOptions {
  readonly paths: BerthPaths;
  readonly records: Records<ContainerRecord>;
  readonly runtime: Runtime;
  readonly networks: Networks;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly events: EventBus;
  readonly log: Logger;
}

/**
 * The life of every container of this engine, over runtime, networks, images and volumes. Each act is a file in containers/.
 * Invariants: a record on disk says what should be; the kernel and conmon's exit files say what is, and win when the engine opens; starts and removals of
 * one container come one after the other.
 */
export class Containers {
  readonly #parts: ContainerParts;
  readonly #exits: ExitWatch;

  constructor({ records, events, ...rooms }: ContainersOptions) {
    const book = new ContainerBook(records, events);
    const health = new HealthMonitor({
      runtime: rooms.runtime,
      report: (id, state, changed) => {
        const record = book.byId(id);
        if (!record?.State.Running) return;
        record.State.Health = state;
        book.put(record);
        if (changed) book.emit(record, `health_status: ${state.Status}`);
      },
      emit: (id, action, attributes) => {
        const record = book.byId(id);
        if (record) book.emit(record, action, attributes);
      },
    });
    const live = new Map<string, Live>();
    this.#parts = {
      ...rooms,
      book,
      live,
      health,
      locks: new ContainerLocks(),
      waits: new ContainerWaits(),
      beforeStart: new Set(),
      restarts: new RequestedRestarts(),
    };
    this.#exits = new ExitWatch(this.#parts, {
      restart: async (id) => (await this.startMany([id]))[0],
      remove: (id) => this.remove(id, { force: true, volumes: true }),
    });
    rooms.images.addLayerRoots(() =>
      book.list().flatMap(({ Berth: own }) => [...own.chainIds, ...(own.imageMounts ?? []).flatMap((mount) => mount.chainIds)]),
    );
    rooms.networks.onNamesChanged((ids) => {
      for (const id of ids) rewriteHosts(this.#parts, id);
    });
  }

  /** Takes over what a former engine left. */
  async open(): Promise<void> {
    this.#parts.runtime.watchExits();
    const running = this.running();
    const others = this.list().filter((record) => !running.includes(record));
    for (const record of running) await this.#exits.adopt(record);
    // A former engine may have been killed in the middle of a start.
    for (const record of others) await this.#parts.runtime.abandon(record.Id);
    this.#parts.volumes.releaseUnused();
    await this.#parts.networks.detach(others.map((record) => record.Id));
  }

  list(): ContainerRecord[] {
    return this.#parts.book.list();
  }
  /** By id, name or unique prefix of the id. */
  find(ref: string): ContainerRecord | undefined {
    return this.#parts.book.find(ref);
  }
  /** @throws BerthError container/not-found */
  get(ref: string): ContainerRecord {
    return this.#parts.book.get(ref);
  }
  running(): ContainerRecord[] {
    return this.list().filter((record) => record.State.Running || record.State.Restarting);
  }

  create(name: string | undefined, body: ContainerCreateBody, o: CreateOptions = {}): { Id: string; Warnings: string[] } {
    // What is created is mostly started at once.
    this.#parts.runtime.expectStart();
    const { record, warnings } = createContainer(this.#parts, name, body, o);
    return { Id: record.Id, Warnings: [...warnings, ...this.#parts.runtime.warnings({ ...record.HostConfig, ...body.HostConfig })] };
  }

  async start(ref: string): Promise<"started" | "already"> {
    const record = this.get(ref);
    if (record.State.Paused) throw new BerthError("container/not-running", "cannot start a paused container, try unpause instead");
    if (record.State.Running) return "already";
    // Its policy counts from here.
    record.RestartCount = 0;
    const [failed] = await this.startMany([record.Id]);
    if (failed) throw failed.error;
    return "started";
  }
  /** Every container that is about to start is prepared so: its root is there, its process waits. */
  beforeStart(prepare: (container: ContainerRecord) => Promise<void>): void {
    this.#parts.beforeStart.add(prepare);
  }
  /** Starts these together: the networks of all are set up in one batch. Answers those that could not be started. */
  startMany(ids: readonly string[]): Promise<StartFailure[]> {
    return startTogether(this.#parts, this.#exits, ids);
  }

  /** SIGTERM (or the container's own signal), then SIGKILL after the grace. */
  async stop(ref: string, o: StopOptions = {}): Promise<"stopped" | "already"> {
    return stopContainer(this.#parts, this.get(ref), o);
  }
  async kill(ref: string, signal: string): Promise<void> {
    const number = killSignal(ref, signal);
    const record = this.find(ref);
    if (!record) throw new BerthError("container/not-found", `cannot kill container: ${ref}: No such container: ${ref}`);
    await killContainer(this.#parts, record, number, ref);
  }
  async restart(ref: string, o: StopOptions = {}): Promise<void> {
    const record = this.get(ref);
    await this.#parts.restarts.during(record.Id, async () => {
      await this.stop(record.Id, o);
      await this.start(record.Id);
    });
    this.tellRestart(record.Id);
  }
  tellRestart(ref: string): void {
    this.#parts.book.emit(this.get(ref), "restart");
  }
  /**
   * Settles when a container is not between the end and the start of a requested restart. Docker's inspection waits there, and Compose, which asks at each end,
   * takes a container that then runs for a restarted one and any other for one that is over.
   */
  async betweenRuns(record: ContainerRecord): Promise<void> {
    while (!record.State.Running && this.#parts.restarts.has(record.Id)) await this.#parts.restarts.over(record.Id);
  }
  async pause(ref: string): Promise<void> {
    await pauseContainer(this.#parts, this.get(ref));
  }
  async unpause(ref: string): Promise<void> {
    await resumeContainer(this.#parts, this.get(ref));
  }

  rename(ref: string, name: string): void {
    const { book, networks } = this.#parts;
    const record = book.get(ref);
    const clean = name.replace(/^\//, "");
    if (record.Name === `/${clean}`)
      throw new BerthError("container/bad-config", "Renaming a container with the same name as its current name");
    try {
      checkName(clean, book.list(), `/${clean}`);
    } catch (error) {
      if (error instanceof BerthError)
        throw new BerthError(error.code, `Error when allocating new name: ${error.message}`, { cause: error });
      throw error;
    }
    const oldName = record.Name;
    record.Name = `/${clean}`;
    book.put(record);
    networks.rename(record.Id, clean);
    book.emit(record, "rename", { oldName });
  }

  /** Takes a legacy link away; the containers stay. @throws BerthError container/not-found */
  unlink(ref: string, alias: string): void {
    const { book } = this.#parts;
    const record = book.get(ref);
    const links = record.HostConfig.Links ?? [];
    const rest = links.filter((text) => parseLink(text).alias !== alias);
    if (rest.length === links.length)
      throw new BerthError("container/not-found", `could not get parent ${alias} of ${ref}: there is no such link`);
    record.HostConfig.Links = rest;
    book.put(record);
    rewriteHosts(this.#parts, record.Id);
  }

  /** Other limits, another restart policy. @throws BerthError container/bad-config, api/conflict */
  async update(ref: string, body: UpdateBody): Promise<void> {
    const { book, runtime, locks } = this.#parts;
    const record = book.get(ref);
    await locks.with(record.Id, () => updateContainer(record, body, runtime));
    book.put(record);
    book.emit(record, "update");
  }

  /** @throws BerthError container/running without force */
  async remove(ref: string, o: { force: boolean; volumes: boolean }): Promise<void> {
    await removeContainer(this.#parts, this.get(ref), { ref, ...o });
  }
  volumeUsers(name: string): ContainerRecord[] {
    return volumeUsers(this.list(), name);
  }

  /**
   * Registers at once (the caller flushes its headers then); settles with the exit code. Who has gone away is forgotten: for him it never settles.
   * @throws BerthError container/not-found, at once
   */
  wait(ref: string, condition: string, signal: AbortSignal): Promise<{ StatusCode: number }> {
    const { live, waits, book } = this.#parts;
    const record = this.get(ref);
    const code = async (): Promise<number> => {
      if (condition === "removed") return waits.removal(record.Id, signal);
      const running = record.State.Running ? live.get(record.Id) : undefined;
      if (!running && condition === "next-exit") await waits.start(record.Id, signal);
      const started = record.State.Running && book.byId(record.Id) ? live.get(record.Id) : undefined;
      return started ? nextExit(started, signal) : record.State.ExitCode;
    };
    return code().then((StatusCode) => ({ StatusCode }));
  }
  /** Settles when the container is started the next time or that failed; at once where it runs; never for one who has gone away. */
  async started(id: string, signal: AbortSignal): Promise<void> {
    if (!this.get(id).State.Running) await this.#parts.waits.start(id, signal);
  }

  async connect(ref: string, network: string, settings: EndpointSettings): Promise<void> {
    await connectNetwork(this.#parts, this.get(ref), network, settings);
  }
  async disconnect(ref: string, network: string): Promise<void> {
    await disconnectNetwork(this.#parts, this.get(ref), network);
  }

  /** The container's files, with its volumes, on this host while `work` runs. */
  withRoot<T>(ref: string, work: (path: string) => Promise<T>): Promise<T> {
    return withRoot(this.#parts, this.get(ref), work);
  }
  /** The same without volumes: its own file system. */
  withOwnRoot<T>(ref: string, work: (path: string) => Promise<T>): Promise<T> {
    return withOwnRoot(this.#parts, this.get(ref), work);
  }
  /** The overlay directories below what the container writes, top first. */
  lowerDirs(record: ContainerRecord): string[] {
    return lowerDirs(this.#parts, record);
  }

  async close(): Promise<void> {
    this.#exits.close();
    this.#parts.health.close();
    await this.#parts.runtime.close();
    await this.#parts.locks.allQuiet();
    this.#parts.book.flush();
  }
}
