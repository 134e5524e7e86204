import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Container, ContainerCreateBody, EndpointSettings, MountSpec } from "../api/index.ts";
import type { AttachRequest, Networks } from "../network/index.ts";
import { type ExitInfo, type NamespacePaths, type ResolvedMount, type Runtime, resolveInside, type Volumes } from "../runtime/index.ts";
import { BerthError, type BerthPaths, messageOf } from "../system/index.ts";
import { buildRecord, type ContainerRecord } from "./container-record.ts";
import type { EventBus } from "./event-bus.ts";
import { HealthMonitor } from "./health-monitor.ts";
import type { Images, Logger } from "./ports.ts";
import type { Records } from "./records.ts";
import { restartDelay, steadyMs } from "./restart-policy.ts";
import { signalNumber } from "./signals.ts";

interface Live {
  startedMs: number;
  streak: number;
  timer?: NodeJS.Timeout;
  /** Settles at the next exit. */
  exit: Promise<number>;
  tellExit: (code: number) => void;
  stopping: boolean;
}

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
 * The life of every container of this engine, over runtime, networks, images and volumes.
 * Invariants: a record on disk says what should be; the kernel and conmon's exit files say what is, and win when the engine opens; one change at a time per container.
 */
export class Containers {
  readonly #o: ContainersOptions;
  readonly #live = new Map<string, Live>();
  readonly #locks = new Map<string, Promise<unknown>>();
  readonly #removed = new Map<string, Set<(code: number) => void>>();
  readonly #onStart = new Map<string, Set<() => void>>();
  readonly #health: HealthMonitor;
  #closed = false;

  constructor(o: ContainersOptions) {
    this.#o = o;
    this.#health = new HealthMonitor({ runtime: o.runtime, report: (id, health, changed) => this.#reportHealth(id, health, changed) });
    o.images.addLayerRoots(() => o.records.values().flatMap((record) => record.Berth.chainIds));
    o.networks.onNamesChanged((ids) => {
      for (const id of ids) this.#writeHosts(id);
    });
  }

  /** Takes over what a former engine left: runs on, or has ended meanwhile (with its exit code); restart policies apply. */
  async open(): Promise<void> {
    this.#o.runtime.watchExits();
    for (const record of this.#o.records.values()) {
      if (!record.State.Running && !record.State.Restarting) continue;
      const exit = this.#o.runtime.exitOf(record.Id);
      const pid = exit ? undefined : this.#o.runtime.pidOf(record.Id);
      if (pid) {
        this.#watch(record, Date.parse(record.State.StartedAt));
        if (record.Config.Healthcheck) this.#health.watch(record);
        this.#o.log.info({ container: record.Name, pid }, "container adopted");
      } else {
        this.#live.set(record.Id, newLive(Date.parse(record.State.StartedAt)));
        await this.#ended(
          record.Id,
          exit ?? {
            exitCode: record.State.Restarting ? record.State.ExitCode : 255,
            oomKilled: false,
            finishedAt: new Date().toISOString(),
          },
        );
      }
    }
  }

  list(): ContainerRecord[] {
    return this.#o.records.values();
  }
  /** By id, name or unique prefix of the id. */
  find(ref: string): ContainerRecord | undefined {
    const name = ref.replace(/^\//, "");
    const exact = this.#o.records.get(name) ?? this.list().find((record) => record.Name === `/${name}`);
    if (exact) return exact;
    const matches = /^[0-9a-f]+$/.test(name) ? this.list().filter((record) => record.Id.startsWith(name)) : [];
    return matches.length === 1 ? matches[0] : undefined;
  }
  /** @throws BerthError container/not-found */
  get(ref: string): ContainerRecord {
    const found = this.find(ref);
    if (!found) throw new BerthError("container/not-found", `No such container: ${ref.replace(/^\//, "")}`);
    return found;
  }
  running(): ContainerRecord[] {
    return this.list().filter((record) => record.State.Running || record.State.Restarting);
  }

  create(name: string | undefined, body: ContainerCreateBody): { Id: string; Warnings: string[] } {
    const id = randomBytes(32).toString("hex");
    const chosen = name?.replace(/^\//, "") || this.#freeName();
    this.#checkName(chosen);
    if (!body.Image) throw new BerthError("container/bad-config", "Config cannot be empty in order to create a container");
    const image = this.#o.images.get(body.Image);
    const { record, volumes } = buildRecord(body, {
      id,
      name: chosen,
      imageId: image.id,
      imageConfig: image.config,
      chainIds: image.chainIds,
      nowIso: new Date().toISOString(),
      root: this.#o.paths.root,
      run: this.#o.paths.run,
    });
    this.#checkMounts(record);
    this.#takeVolumesFrom(record);
    for (const network of Object.keys(record.NetworkSettings.Networks)) this.#o.networks.get(network);
    const mode = record.HostConfig.NetworkMode ?? "";
    if (mode.startsWith("container:")) this.get(mode.slice(10));
    for (const { name: volume, anonymous, spec } of volumes) {
      this.#o.volumes.create(volume, {
        ...volumeBody(spec),
        Labels: { ...spec?.VolumeOptions?.Labels, ...(anonymous ? { "com.docker.volume.anonymous": "" } : {}) },
      });
    }
    for (const mount of record.Mounts) if (mount.Type === "volume" && mount.Name) mount.Source = this.#o.volumes.get(mount.Name).Mountpoint;
    mkdirSync(this.#o.runtime.directory(id), { recursive: true, mode: 0o711 });
    try {
      this.#o.records.put(id, record);
    } catch (error) {
      for (const { name: volume, anonymous } of volumes) if (anonymous) this.#o.volumes.remove(volume);
      throw error;
    }
    this.#emit(record, "create");
    return { Id: id, Warnings: [] };
  }

  async start(ref: string): Promise<"started" | "already"> {
    const record = this.get(ref);
    if (record.State.Running) return "already";
    const [failed] = await this.startMany([record.Id]);
    if (failed) throw failed.error;
    return "started";
  }

  /** Starts these together: the networks of all are set up in one batch. Answers those that could not be started. */
  async startMany(ids: readonly string[]): Promise<{ id: string; error: unknown }[]> {
    const failures: { id: string; error: unknown }[] = [];
    const records = ids.map((id) => this.get(id)).filter((record) => !record.State.Running);
    const own = records.filter((record) => this.#hasOwnNetwork(record));
    const attached = new Map<string, string>();
    const attach = async (group: readonly ContainerRecord[]) => {
      const results = await this.#o.networks.attach(group.map((record) => this.#attachRequest(record)));
      group.forEach((record, index) => {
        const result = results[index];
        if (!result) return;
        record.NetworkSettings.Networks = result.networks;
        record.NetworkSettings.Ports = result.ports;
        record.NetworkSettings.SandboxKey = result.netnsPath;
        record.NetworkSettings.SandboxID = record.Id;
        attached.set(record.Id, result.netnsPath);
      });
    };
    try {
      await attach(own);
    } catch {
      // One of them spoils the batch (a port that is taken): each for itself, so that the others start and this one is named.
      for (const record of own) {
        try {
          await attach([record]);
        } catch (error) {
          failures.push({ id: record.Id, error });
          this.#fail(record, error);
        }
      }
    }
    const queue = records.filter((record) => !failures.some((failure) => failure.id === record.Id));
    const sharing = (record: ContainerRecord) =>
      [record.HostConfig.NetworkMode, record.HostConfig.PidMode, record.HostConfig.IpcMode].some((mode) => mode?.startsWith("container:"));
    for (const group of [queue.filter((record) => !sharing(record)), queue.filter(sharing)]) {
      const pending = [...group];
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          for (let record = pending.shift(); record; record = pending.shift()) {
            const one = record;
            try {
              await this.#locked(one.Id, () => this.#startOne(one, attached.get(one.Id)));
            } catch (error) {
              failures.push({ id: one.Id, error });
              this.#fail(one, error);
              await this.#o.networks.detach([one.Id]);
              if (one.HostConfig.AutoRemove) await this.remove(one.Id, { force: true, volumes: true });
            }
          }
        }),
      );
    }
    return failures;
  }

  async #startOne(record: ContainerRecord, netns: string | undefined): Promise<void> {
    const { runtime, networks } = this.#o;
    const id = record.Id;
    const lowerDirs = this.#lowerDirs(record);
    const root = runtime.mountRoot(id, lowerDirs);
    const mounts = await this.#resolveMounts(record, root);
    const { pid } = await runtime.create({
      container: record,
      imageConfig: record.Berth.imageConfig,
      lowerDirs,
      namespaces: this.#namespaces(record, netns),
      mounts,
      hosts: this.#hosts(record),
      resolvConf: networks.resolvConf(id, {
        dns: record.HostConfig.Dns ?? [],
        search: record.HostConfig.DnsSearch ?? [],
        options: record.HostConfig.DnsOptions ?? [],
      }),
    });
    const live = this.#watch(record, Date.now());
    try {
      await runtime.start(id);
    } catch (error) {
      this.#live.delete(id);
      await runtime.cleanup(id);
      throw error;
    }
    live.startedMs = Date.now();
    record.Berth.userStopped = false;
    record.State = {
      ...record.State,
      Status: "running",
      Running: true,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: pid,
      ExitCode: 0,
      Error: "",
      StartedAt: new Date().toISOString(),
      FinishedAt: record.State.FinishedAt,
    };
    if (record.Config.Healthcheck) record.State.Health = { Status: "starting", FailingStreak: 0, Log: [] };
    this.#o.records.put(id, record);
    this.#emit(record, "start");
    for (const tell of this.#onStart.get(id) ?? []) tell();
    if (record.Config.Healthcheck) this.#health.watch(record);
    runtime.onExit(id, (exit) => void this.#ended(id, exit));
  }

  /** Notes why a container could not be started, in Docker's words and codes. */
  #fail(record: ContainerRecord, error: unknown): void {
    const code =
      error instanceof BerthError && error.code === "runtime/command-not-found"
        ? 127
        : error instanceof BerthError && error.code === "runtime/command-not-executable"
          ? 126
          : 128;
    record.State = {
      ...record.State,
      Status: record.State.Status === "restarting" ? "exited" : record.State.Status,
      Running: false,
      Restarting: false,
      Pid: 0,
      ExitCode: code,
      Error: messageOf(error),
    };
    this.#o.records.put(record.Id, record);
    // Whoever waits for the start (attach before start) learns that it is over.
    for (const tell of this.#onStart.get(record.Id) ?? []) tell();
  }

  #watch(record: ContainerRecord, startedMs: number): Live {
    const old = this.#live.get(record.Id);
    const live = newLive(startedMs, old?.streak ?? 0);
    if (old) for (const key of ["timer"] as const) clearTimeout(old[key]);
    this.#live.set(record.Id, live);
    if (record.State.Running) this.#o.runtime.onExit(record.Id, (exit) => void this.#ended(record.Id, exit));
    return live;
  }

  /** A process has ended: the record, the kernel, the events, whoever waits, and what its policy says. */
  async #ended(id: string, exit: ExitInfo): Promise<void> {
    const record = this.#o.records.get(id);
    if (!record) return;
    const live = this.#live.get(id) ?? newLive(Date.now());
    this.#health.forget(id);
    const oomKilled = exit.oomKilled || (exit.exitCode === 137 && !live.stopping && this.#o.runtime.oomKills(id) > 0);
    await this.#o.runtime.cleanup(id);
    await this.#o.networks.detach([id]);
    const ranMs = Date.now() - live.startedMs;
    live.streak = ranMs >= steadyMs ? 0 : live.streak;
    const delay = this.#closed
      ? undefined
      : restartDelay(record.HostConfig.RestartPolicy, {
          exitCode: exit.exitCode,
          restartCount: record.RestartCount,
          streak: live.streak,
          userStopped: record.Berth.userStopped || live.stopping,
        });
    record.State = {
      ...record.State,
      Status: delay === undefined ? "exited" : "restarting",
      Running: delay !== undefined,
      Restarting: delay !== undefined,
      Paused: false,
      OOMKilled: oomKilled,
      Pid: 0,
      ExitCode: exit.exitCode,
      FinishedAt: exit.finishedAt,
    };
    this.#o.records.put(id, record);
    if (oomKilled) this.#emit(record, "oom");
    this.#emit(record, "die", { exitCode: String(exit.exitCode), execDuration: String(Math.round(ranMs / 1000)) });
    live.tellExit(exit.exitCode);
    if (delay !== undefined) {
      const next = newLive(Date.now(), live.streak + 1);
      next.timer = setTimeout(() => void this.#restartNow(id), delay);
      this.#live.set(id, next);
      return;
    }
    this.#live.delete(id);
    if (record.HostConfig.AutoRemove) await this.remove(id, { force: true, volumes: true });
  }

  async #restartNow(id: string): Promise<void> {
    const record = this.#o.records.get(id);
    if (!record?.State.Restarting || this.#closed) return;
    record.RestartCount++;
    record.State = { ...record.State, Running: false };
    const [failed] = await this.startMany([id]);
    if (failed) this.#o.log.warn({ container: record.Name, err: messageOf(failed.error) }, "a container could not be restarted");
  }

  /** SIGTERM (or the container's own signal), then SIGKILL after the grace. `graceS` -1 waits for ever. */
  async stop(ref: string, o: { graceS?: number; signal?: string } = {}): Promise<"stopped" | "already"> {
    const record = this.get(ref);
    const live = this.#live.get(record.Id);
    if (!record.State.Running) {
      this.#noteStop(record);
      return "already";
    }
    this.#noteStop(record);
    if (!live || record.State.Restarting) {
      clearTimeout(live?.timer);
      this.#live.delete(record.Id);
      record.State = { ...record.State, Status: "exited", Running: false, Restarting: false };
      this.#o.records.put(record.Id, record);
      this.#emit(record, "stop");
      return "stopped";
    }
    live.stopping = true;
    const graceS = o.graceS ?? record.Config.StopTimeout ?? 10;
    if (record.State.Paused) await this.unpause(record.Id);
    await this.#signal(record, signalNumber(o.signal || record.Config.StopSignal || "SIGTERM"));
    if (graceS >= 0 && (await settlesWithin(live.exit, graceS * 1000)) === undefined) {
      await this.#signal(record, 9);
    }
    await live.exit;
    this.#emit(record, "stop");
    return "stopped";
  }

  #noteStop(record: ContainerRecord): void {
    if (record.Berth.userStopped) return;
    record.Berth.userStopped = true;
    this.#o.records.put(record.Id, record);
  }

  async #signal(record: ContainerRecord, number: number): Promise<void> {
    this.#emit(record, "kill", { signal: String(number) });
    await this.#o.runtime.kill(record.Id, number).catch((error: unknown) => {
      // It ended in between: that is what was wanted.
      if (this.#o.runtime.exitOf(record.Id) === undefined) throw error;
    });
  }

  async kill(ref: string, signal: string): Promise<void> {
    const record = this.get(ref);
    const number = signalNumber(signal || "SIGKILL");
    if (!record.State.Running || record.State.Restarting)
      throw new BerthError("container/not-running", `cannot kill container: ${ref}: container ${record.Id} is not running`);
    const live = this.#live.get(record.Id);
    if (number === 9 || number === signalNumber(record.Config.StopSignal || "SIGTERM")) {
      this.#noteStop(record);
      if (live) live.stopping = true;
    }
    await this.#signal(record, number);
    if (number === 9 && live) await live.exit;
  }

  async restart(ref: string, o: { graceS?: number; signal?: string } = {}): Promise<void> {
    const record = this.get(ref);
    if (record.State.Running) await this.stop(record.Id, o);
    await this.start(record.Id);
    this.#emit(record, "restart");
  }

  async pause(ref: string): Promise<void> {
    const record = this.#needRunning(ref);
    if (record.State.Paused) throw new BerthError("container/not-running", `Container ${record.Id} is already paused`);
    await this.#o.runtime.pause(record.Id);
    record.State = { ...record.State, Status: "paused", Paused: true };
    this.#o.records.put(record.Id, record);
    this.#emit(record, "pause");
  }
  async unpause(ref: string): Promise<void> {
    const record = this.get(ref);
    if (!record.State.Paused) throw new BerthError("system/internal", `Container ${record.Id} is not paused`);
    await this.#o.runtime.resume(record.Id);
    record.State = { ...record.State, Status: "running", Paused: false };
    this.#o.records.put(record.Id, record);
    this.#emit(record, "unpause");
  }
  #needRunning(ref: string): ContainerRecord {
    const record = this.get(ref);
    if (!record.State.Running || record.State.Restarting)
      throw new BerthError("container/not-running", `container ${record.Id} is not running`);
    return record;
  }

  rename(ref: string, name: string): void {
    const record = this.get(ref);
    const clean = name.replace(/^\//, "");
    this.#checkName(clean);
    const old = record.Name;
    record.Name = `/${clean}`;
    this.#o.records.put(record.Id, record);
    this.#emit(record, "rename", { oldName: old });
  }

  /** @throws BerthError container/running without force */
  async remove(ref: string, o: { force: boolean; volumes: boolean }): Promise<void> {
    const record = this.get(ref);
    if (record.State.Running || record.State.Restarting) {
      if (!o.force)
        throw new BerthError(
          "container/running",
          `cannot remove container "${record.Name}": container is running: stop the container before removing or force remove`,
        );
      record.HostConfig.AutoRemove = false;
      await this.stop(record.Id, { graceS: 0, signal: "SIGKILL" });
    }
    if (!this.#o.records.get(record.Id)) return;
    await this.#o.runtime.remove(record.Id);
    await this.#o.networks.release(record.Id);
    this.#o.records.delete(record.Id);
    if (o.volumes)
      for (const mount of record.Mounts)
        if (mount.Type === "volume" && mount.Name && isAnonymous(this.#o.volumes, mount.Name) && !this.volumeUsers(mount.Name).length)
          this.#o.volumes.remove(mount.Name);
    this.#emit(record, "destroy");
    for (const tell of this.#removed.get(record.Id) ?? []) tell(record.State.ExitCode);
    this.#removed.delete(record.Id);
  }

  volumeUsers(name: string): ContainerRecord[] {
    return this.list().filter((record) => record.Mounts.some((mount) => mount.Type === "volume" && mount.Name === name));
  }

  /** Registers at once (the caller flushes its headers then); settles with the exit code. */
  wait(ref: string, condition: string): Promise<{ StatusCode: number }> {
    const record = this.get(ref);
    const id = record.Id;
    if (condition === "removed") {
      return new Promise((resolve) => {
        const set = this.#removed.get(id) ?? new Set();
        set.add((StatusCode) => resolve({ StatusCode }));
        this.#removed.set(id, set);
      });
    }
    const live = this.#live.get(id);
    if (live && record.State.Running) return live.exit.then((StatusCode) => ({ StatusCode }));
    if (condition !== "next-exit") return Promise.resolve({ StatusCode: record.State.ExitCode });
    return this.started(id).then(() => this.wait(id, "not-running"));
  }

  /** Settles when the container is started the next time or that failed; at once where it runs. */
  started(id: string): Promise<void> {
    if (this.get(id).State.Running) return Promise.resolve();
    return new Promise((resolve) => {
      const set = this.#onStart.get(id) ?? new Set();
      const tell = () => {
        set.delete(tell);
        resolve();
      };
      set.add(tell);
      this.#onStart.set(id, set);
    });
  }

  async connect(ref: string, network: string, settings: EndpointSettings): Promise<void> {
    const record = this.get(ref);
    const found = this.#o.networks.get(network);
    const got = await this.#o.networks.connect(record.Id, record.Name.slice(1), found.Id, {
      ...settings,
      Aliases: [...(settings.Aliases ?? [])],
    });
    record.NetworkSettings.Networks = { ...record.NetworkSettings.Networks, [found.Name]: record.State.Running ? got : settings };
    this.#o.records.put(record.Id, record);
    this.#o.events.emit("network", "connect", found.Id, { container: record.Id, name: found.Name, type: found.Driver });
  }
  async disconnect(ref: string, network: string): Promise<void> {
    const record = this.get(ref);
    const found = this.#o.networks.get(network);
    if (!record.NetworkSettings.Networks[found.Name])
      throw new BerthError("container/not-running", `container ${record.Id} is not connected to network ${found.Name}`);
    await this.#o.networks.disconnect(record.Id, found.Id);
    const { [found.Name]: _, ...rest } = record.NetworkSettings.Networks;
    record.NetworkSettings.Networks = rest;
    this.#o.records.put(record.Id, record);
    this.#o.events.emit("network", "disconnect", found.Id, { container: record.Id, name: found.Name, type: found.Driver });
  }

  /** The container's root on this host; mounted for a stopped one, until `release` is called. */
  openRoot(record: ContainerRecord): { path: string; release: () => Promise<void> } {
    const path = this.#o.runtime.mountRoot(record.Id, this.#lowerDirs(record));
    return { path, release: async () => (record.State.Running ? undefined : this.#o.runtime.cleanup(record.Id)) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#health.close();
    for (const live of this.#live.values()) clearTimeout(live.timer);
    this.#o.runtime.close();
    await Promise.all(this.#locks.values());
  }

  // -- inside

  #emit(record: Container, action: string, more: Record<string, string> = {}): void {
    this.#o.events.emit("container", action, record.Id, {
      ...record.Config.Labels,
      image: record.Config.Image ?? "",
      name: record.Name.slice(1),
      ...more,
    });
  }

  #reportHealth(id: string, health: NonNullable<Container["State"]["Health"]>, changed: boolean): void {
    const record = this.#o.records.get(id);
    if (!record?.State.Running) return;
    record.State.Health = health;
    this.#o.records.put(id, record);
    if (changed) this.#emit(record, `health_status: ${health.Status}`);
  }

  #hasOwnNetwork(record: Container): boolean {
    const mode = record.HostConfig.NetworkMode ?? "";
    return mode !== "host" && !mode.startsWith("container:");
  }

  #attachRequest(record: Container): AttachRequest {
    const isNone = record.HostConfig.NetworkMode === "none";
    return {
      containerId: record.Id,
      name: record.Name.slice(1),
      hostname: record.Config.Hostname ?? "",
      endpoints: isNone ? {} : record.NetworkSettings.Networks,
      ports: isNone ? {} : (record.HostConfig.PortBindings ?? {}),
      exposed: Object.keys({ ...record.Config.ExposedPorts, ...record.HostConfig.PortBindings }),
      publishAll: record.HostConfig.PublishAllPorts === true,
    };
  }

  #namespaces(record: Container, netns: string | undefined): NamespacePaths {
    const hc = record.HostConfig;
    const of = (mode: string | undefined, kind: string): string | undefined => {
      if (mode === "host") return "host";
      if (!mode?.startsWith("container:")) return undefined;
      const other = this.get(mode.slice(10));
      if (!other.State.Running)
        throw new BerthError("container/not-running", `cannot join ${kind} of a non running container: ${other.Id}`, {
          hint: `Start ${other.Name.slice(1)} first.`,
        });
      return `/proc/${other.State.Pid}/ns/${kind}`;
    };
    const [pid, ipc, uts] = [of(hc.PidMode, "pid"), of(hc.IpcMode, "ipc"), of(hc.UTSMode, "uts")];
    return {
      network: netns ?? of(hc.NetworkMode, "net") ?? "host",
      ...(pid ? { pid } : {}),
      ...(ipc ? { ipc } : {}),
      ...(uts ? { uts } : {}),
      ...(hc.CgroupnsMode === "host" || hc.Privileged ? { cgroup: "host" as const } : {}),
    };
  }

  async #resolveMounts(record: ContainerRecord, root: string): Promise<ResolvedMount[]> {
    const list: ResolvedMount[] = [];
    for (const [target, options] of Object.entries(record.HostConfig.Tmpfs ?? {}))
      list.push({
        destination: target,
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "nodev", "noexec", ...options.split(",").filter(Boolean)],
      });
    for (const mount of record.Mounts) {
      const spec = (record.HostConfig.Mounts ?? []).find((candidate) => candidate.Target === mount.Destination);
      const access = mount.RW ? "rw" : "ro";
      if (mount.Type === "tmpfs") {
        const size = spec?.TmpfsOptions?.SizeBytes;
        list.push({
          destination: mount.Destination,
          type: "tmpfs",
          source: "tmpfs",
          options: [
            "nosuid",
            "nodev",
            "noexec",
            access,
            ...(size ? [`size=${size}`] : []),
            `mode=${(spec?.TmpfsOptions?.Mode ?? 0o1777).toString(8)}`,
          ],
        });
      } else if (mount.Type === "volume" && mount.Name) {
        const subpath = spec?.VolumeOptions?.Subpath;
        const noCopy = spec?.VolumeOptions?.NoCopy === true || mount.Mode.split(",").includes("nocopy");
        const source = await this.#o.volumes.prepare(mount.Name, {
          inside: resolveInside(root, mount.Destination),
          noCopy,
          ...(subpath ? { subpath } : {}),
        });
        list.push({ destination: mount.Destination, type: "volume", source, options: ["rbind", access, "rprivate"] });
      } else {
        if (!existsSync(mount.Source)) {
          if (spec && !spec.BindOptions?.CreateMountpoint) throw bindMissing(mount.Source);
          mkdirSync(mount.Source, { recursive: true });
        }
        list.push({
          destination: mount.Destination,
          type: "bind",
          source: mount.Source,
          options: ["rbind", access, mount.Propagation || "rprivate"],
        });
      }
    }
    // Parents before what is mounted below them.
    return list.sort((a, b) => a.destination.split("/").length - b.destination.split("/").length);
  }

  #checkMounts(record: Container): void {
    for (const spec of record.HostConfig.Mounts ?? []) {
      if (spec.Type === "bind" && spec.Source && !spec.BindOptions?.CreateMountpoint && !existsSync(spec.Source))
        throw bindMissing(spec.Source);
    }
  }

  #takeVolumesFrom(record: ContainerRecord): void {
    for (const text of record.HostConfig.VolumesFrom ?? []) {
      const [ref = "", mode = "rw"] = text.split(":");
      for (const mount of this.get(ref).Mounts)
        if (!record.Mounts.some((own) => own.Destination === mount.Destination))
          record.Mounts.push({ ...mount, RW: mount.RW && mode !== "ro" });
    }
  }

  #hosts(record: Container): string {
    const links = (record.HostConfig.Links ?? []).flatMap((text) => {
      const [ref = "", alias = ref] = text.split(":");
      const other = this.find(ref);
      const address =
        other &&
        Object.values(other.NetworkSettings.Networks)
          .map((endpoint) => endpoint.IPAddress)
          .find(Boolean);
      return other && address ? [{ address, names: [...new Set([alias.split("/").at(-1) ?? alias, other.Name.slice(1)])] }] : [];
    });
    return this.#o.networks.hostsFile(record.Id, {
      hostname: record.Config.Hostname ?? "",
      domainname: record.Config.Domainname ?? "",
      extraHosts: record.HostConfig.ExtraHosts ?? [],
      links,
    });
  }
  #writeHosts(id: string): void {
    const record = this.#o.records.get(id);
    if (record?.State.Running && this.#hasOwnNetwork(record)) this.#o.runtime.rewriteHosts(id, this.#hosts(record));
  }

  #lowerDirs(record: ContainerRecord): string[] {
    const chains = [...record.Berth.chainIds].reverse();
    if (chains.length > 0) return chains.map((chain) => this.#o.images.layerDir(chain));
    const empty = join(this.#o.paths.root, "empty");
    mkdirSync(empty, { recursive: true });
    return [empty];
  }

  #checkName(name: string): void {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
      throw new BerthError("container/bad-config", `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
    const other = this.list().find((record) => record.Name === `/${name}`);
    if (other)
      throw new BerthError(
        "container/name-taken",
        `Conflict. The container name "/${name}" is already in use by container "${other.Id}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
  }
  #freeName(): string {
    for (;;) {
      const name = `${pick(adjectives)}_${pick(nouns)}${this.list().length > 200 ? randomBytes(1)[0] : ""}`;
      if (!this.list().some((record) => record.Name === `/${name}`)) return name;
    }
  }

  #locked<T>(id: string, work: () => Promise<T>): Promise<T> {
    const next = (this.#locks.get(id) ?? Promise.resolve()).then(work, work);
    const settled = next.then(
      () => {},
      () => {},
    );
    this.#locks.set(id, settled);
    void settled.then(() => this.#locks.get(id) === settled && this.#locks.delete(id));
    return next;
  }
}

function newLive(startedMs: number, streak = 0): Live {
  let tellExit: (code: number) => void = () => {};
  const exit = new Promise<number>((resolve) => {
    tellExit = resolve;
  });
  return { startedMs, streak, exit, tellExit, stopping: false };
}

function settlesWithin(promise: Promise<number>, ms: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void promise.then((code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

function volumeBody(spec: MountSpec | undefined) {
  const driver = spec?.VolumeOptions?.DriverConfig;
  return { ...(driver?.Name ? { Driver: driver.Name } : {}), ...(driver?.Options ? { DriverOpts: driver.Options } : {}) };
}

const isAnonymous = (volumes: Volumes, name: string) => volumes.find(name)?.Labels["com.docker.volume.anonymous"] !== undefined;
const bindMissing = (source: string) =>
  new BerthError("container/bad-config", `invalid mount config for type "bind": bind source path does not exist: ${source}`, {
    hint: "Create it, or write the mount in its short form, which creates directories.",
  });

const adjectives =
  "brave calm clever eager fair gentle happy keen kind lively lucid merry neat noble proud quick quiet sharp sunny swift tidy warm wise witty".split(
    " ",
  );
const nouns =
  "anchor beacon bollard bow buoy canal cargo chart cleat compass crane deck dock ferry galley gull harbor helm hull jetty keel lock mast pier quay rudder sail".split(
    " ",
  );
const pick = (words: readonly string[]) => words[Math.floor(Math.random() * words.length)] ?? "";
