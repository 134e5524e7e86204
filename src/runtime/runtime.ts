import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Container, HostConfig } from "../api/index.ts";
import { BerthError, type Host, messageOf, run, SealedProgram } from "../system/index.ts";
import { type StartInput, writeBundle } from "./bundle.ts";
import { cgroupDirectory, cgroupPids, killCgroup, oomKills, removeCgroups, removeParentGroup } from "./cgroup.ts";
import { CgroupMoves } from "./cgroup-moves.ts";
import { resizeTerminal, startConmon } from "./conmon.ts";
import { ContainerPaths } from "./container-paths.ts";
import { containerPid, endMonitor, isMonitored, letGo, signalContainer } from "./container-process.ts";
import { EtcFiles } from "./etc-files.ts";
import { ExitFiles, type ExitInfo } from "./exit-files.ts";
import { prepareCgroups } from "./host-cgroups.ts";
import { fitToHost, type HostLimits, readHostLimits } from "./host-limits.ts";
import { checkLogConfig } from "./log-config.ts";
import { logFiles } from "./log-files.ts";
import { logKeeping } from "./log-options.ts";
import { LogRotation } from "./log-rotation.ts";
import { LostMonitors } from "./lost-monitors.ts";
import { RemovedTrees } from "./removed-trees.ts";
import { hasRoot, mountImage, mountRoot, unmountRoot } from "./root-mounts.ts";
import { SeccompCache } from "./seccomp-cache.ts";
import { mountSharedMemory, sharedMemoryPath, unmountSharedMemory } from "./shared-memory.ts";
import { startError } from "./start-error.ts";
import { sampleStats } from "./stats.ts";

interface Logger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  debug(data: object, message: string): void;
}

/**
 * One container at a time, on crun (or runc) and conmon. Knows no names and no networks. What it keeps is on disk (container-paths.ts), so that the next engine
 * goes on with it. A start spawns conmon, which spawns the low-level runtime once; a signal and a clean-up spawn nothing.
 */
export class Runtime {
  readonly #host: Host;
  readonly #log: Logger;
  readonly #paths: ContainerPaths;
  readonly #exits: ExitFiles;
  readonly #limits: HostLimits;
  readonly #rotation: LogRotation;
  readonly #moves: CgroupMoves;
  readonly #removed: { readonly state: RemovedTrees; readonly run: RemovedTrees };
  readonly #etc: EtcFiles;
  /** Cleaned up, and nothing was made for them since. */
  readonly #clean = new Set<string>();
  readonly #sealed: SealedProgram | undefined;
  readonly #filters: SeccompCache | undefined;
  readonly #lost: LostMonitors;

  constructor(o: { root: string; run: string; instance: string; host: Host; log: Logger }) {
    this.#host = o.host;
    this.#log = o.log;
    this.#paths = new ContainerPaths(o);
    this.#exits = new ExitFiles(this.#paths);
    this.#etc = new EtcFiles(this.#paths);
    this.#limits = readHostLimits(o.host);
    this.#rotation = new LogRotation(this.#paths, o.log);
    this.#lost = new LostMonitors({ paths: this.#paths, exits: this.#exits, host: o.host, log: o.log });
    this.#moves = new CgroupMoves(o.host);
    const removed = (directory: string) => new RemovedTrees(directory, o.log);
    this.#removed = { state: removed(this.#paths.removedDirectories), run: removed(this.#paths.removedBundles) };
    const file = o.host.runtime && o.host.tools[o.host.runtime];
    if (file) this.#sealed = new SealedProgram(file);
    if (file && o.host.runtime === "crun") this.#filters = new SeccompCache(this.#paths.seccompDir, file);
  }

  get stateDir(): string {
    return this.#paths.stateDir;
  }
  get socketDir(): string {
    return this.#paths.socketDir;
  }
  bundle(id: string): string {
    return this.#paths.bundle(id);
  }
  directory(id: string): string {
    return this.#paths.directory(id);
  }
  rootfs(id: string): string {
    return this.#paths.rootfs(id);
  }
  /** What the container has written over its image; made where it never ran. */
  upperDir(id: string): string {
    const path = join(this.directory(id), "upper");
    mkdirSync(path, { recursive: true });
    return path;
  }
  logPath(id: string): string {
    return this.#paths.logPath(id);
  }
  cgroupsPath(id: string): string {
    return this.#paths.cgroupsPath(id);
  }

  /** Path of the low-level runtime, good while this engine lives. @throws BerthError system/missing-tool */
  get program(): string {
    if (!this.#sealed)
      throw new BerthError("system/missing-tool", "neither crun nor runc works on this machine", { hint: "Run `berth doctor`." });
    return this.#sealed.path;
  }

  /** Makes the machine fit for the low-level runtime. Returns what it could not do, one sentence each. */
  prepareHost(): string[] {
    return prepareCgroups(this.#host);
  }

  /** Refuses what no container can be created with. @throws BerthError runtime/bad-option */
  checkOptions(hostConfig: HostConfig): void {
    checkLogConfig(hostConfig.LogConfig);
  }
  /** What of these wishes this machine cannot grant, a sentence each. */
  warnings(hostConfig: HostConfig): string[] {
    return fitToHost(hostConfig, this.#limits).warnings;
  }
  /** Whether this machine knows weights of block devices; where not, they are discarded with a warning, as Docker does. */
  hasBlkioWeight(): boolean {
    return this.#limits.blkioWeight;
  }

  /** What a privileged process gets: the bounding set of this one, as the OCI configuration names it ("CAP_CHOWN"). */
  allCapabilities(): string[] {
    return this.#host.boundingCapabilities.map((name) => `CAP_${name}`);
  }

  /** Starts to look for exits; every exit of a container that was passed to `onExit` is told once, however it was noticed. */
  watchExits(): void {
    this.#exits.open();
    this.#lost.watch();
  }
  async close(): Promise<void> {
    this.#lost.close();
    this.#exits.close();
    this.#rotation.close();
    await Promise.all([this.#removed.state.close(), this.#removed.run.close()]);
    this.#paths.close();
    this.#sealed?.close();
    removeParentGroup(this.#host, dirname(this.cgroupsPath("any")));
  }
  onExit(id: string, tell: (exit: ExitInfo) => void): void {
    this.#exits.onExit(id, tell);
  }
  /** Begins new log files for a running container, as its options say, until it is cleaned up. */
  rotateLogs(container: Container): void {
    this.#rotation.watch(container.Id, logKeeping(container.HostConfig.LogConfig));
  }
  /** The exit that conmon wrote, if it did. */
  exitOf(id: string): ExitInfo | undefined {
    return this.#exits.exitOf(id);
  }

  /** A container is about to be started: what a start would wait for is begun. */
  expectStart(): void {
    this.#moves.expect();
  }

  /** Mounts the container's root. Idempotent. */
  mountRoot(id: string, lowerDirs: readonly string[]): string {
    this.#clean.delete(id);
    return mountRoot(this.#paths, id, lowerDirs);
  }
  /** Mounts an image's tree for one mount of a container. Idempotent. */
  mountImage(id: string, destination: string, lowerDirs: readonly string[]): string {
    this.#clean.delete(id);
    return mountImage(this.#paths, id, destination, lowerDirs);
  }

  /** Where the shared memory of an `ipc: shareable` container is while it runs. */
  sharedMemory(id: string): string {
    return sharedMemoryPath(this.#paths, id);
  }

  /**
   * Everything up to the point where the process waits to be let go: root mounted, config.json, conmon, crun create.
   * @throws BerthError runtime/command-not-found, runtime/command-not-executable, runtime/start-failed; nothing is left mounted
   */
  async create(input: StartInput): Promise<{ pid: number }> {
    const id = input.container.Id;
    const bundle = this.bundle(id);
    this.#clean.delete(id);
    mkdirSync(bundle, { recursive: true, mode: 0o711 });
    rmSync(join(this.#paths.exitDir, id), { force: true });
    for (const name of ["oom", "pid", "conmon.pid"]) rmSync(join(bundle, name), { force: true });
    try {
      this.mountRoot(id, input.lowerDirs);
      const { IpcMode: ipc, ShmSize: shmBytes } = input.container.HostConfig;
      if (ipc === "shareable") mountSharedMemory(this.#paths, id, shmBytes || 67108864);
      const { learn } = writeBundle({ paths: this.#paths, host: this.#host, limits: this.#limits, filters: this.#filters }, input);
      this.expectStart(); // what was begun before may be over: it holds for a moment only
      if (!logKeeping(input.container.HostConfig.LogConfig).kept)
        for (const file of logFiles(this.logPath(id))) rmSync(file, { force: true });
      const pid = await startConmon({ paths: this.#paths, host: this.#host, program: this.program }, input.container);
      if (learn) this.#filters?.learn(learn, this.#paths.state(id));
      return { pid };
    } catch (error) {
      await this.cleanup(id);
      throw error;
    }
  }

  /**
   * Clears what a start that was cut off has left: an engine was killed between its steps. A creation that is still under way is let end first. False: there
   * was nothing.
   */
  async abandon(id: string): Promise<boolean> {
    if (!existsSync(this.#paths.state(id)) && !isMonitored(this.#paths, id) && !hasRoot(this.#paths, id)) return false;
    await endMonitor(this.#paths, id);
    rmSync(join(this.#paths.exitDir, id), { force: true });
    await this.cleanup(id);
    return true;
  }

  /** Lets the created process go. @throws BerthError runtime/start-failed and the like */
  async start(id: string): Promise<void> {
    if (this.#host.runtime === "crun" && letGo(this.#paths, id)) return;
    await run(this.program, ["--root", this.stateDir, "start", id]).catch((error: unknown) => {
      throw startError(id, messageOf(error));
    });
  }

  /** Sends a signal. A process that has ended meanwhile is no error: its exit is told. */
  async kill(id: string, signal: number): Promise<void> {
    if (signalContainer(this.#paths, id, signal) || isMonitored(this.#paths, id)) return;
    this.#lost.end(id);
  }
  /** As many processes as the machine has room for. */
  liftPidsLimit(id: string): void {
    writeFileSync(join(cgroupDirectory(this.#host, this.cgroupsPath(id)), "pids.max"), "max");
  }
  async pause(id: string): Promise<void> {
    await run(this.program, ["--root", this.stateDir, "pause", id]);
  }
  async resume(id: string): Promise<void> {
    await run(this.program, ["--root", this.stateDir, "resume", id]);
  }

  /**
   * After an exit: the low-level runtime's state, the mounts and the cgroup are removed. The upper directory and the log stay. Where no exit is known (a start that
   * failed halfway), the low-level runtime ends what there is.
   */
  async cleanup(id: string): Promise<void> {
    const group = this.cgroupsPath(id);
    if (existsSync(this.#paths.state(id))) {
      if (this.exitOf(id)) rmSync(this.#paths.state(id), { recursive: true, force: true });
      else await run(this.program, ["--root", this.stateDir, "delete", "--force", id], { accept: [0, 1] });
    }
    this.#etc.forget(id);
    this.#rotation.forget(id);
    await unmountRoot(this.#paths, id);
    unmountSharedMemory(this.#paths, id);
    rmSync(join(this.#paths.socketDir, id), { recursive: true, force: true });
    // With a process namespace of its own nothing is left here; without one (pid: host) the rest ends with the first process.
    killCgroup(this.#host, group);
    if (!(await removeCgroups(this.#host, group)))
      this.#log.warn({ container: id, effect: "the next clean-up of this container tries again" }, "a cgroup could not be removed");
    else this.#clean.add(id);
  }

  /** Everything of the container, also its upper directory and log: it is gone at once, and deleted afterwards. */
  async remove(id: string): Promise<void> {
    if (!this.#clean.delete(id)) await this.cleanup(id);
    this.#clean.delete(id);
    rmSync(join(this.#paths.exitDir, id), { force: true });
    // It may have written much.
    this.#removed.run.take(this.bundle(id), id);
    this.#removed.state.take(this.directory(id), id);
  }

  /** Is its process there? For a container that a former engine started. */
  pidOf(id: string): number | undefined {
    return containerPid(this.#paths, id);
  }

  /** Writes the names of others into the hosts file of a container, beside what `merged` finds in it. */
  rewriteHosts(id: string, text: string, merged: (file: string, text: string) => string): void {
    this.#etc.rewriteHosts(id, text, merged);
  }
  /** Writes another resolv.conf of a running container, where it has not been edited inside since it was `before`. */
  rewriteResolvConf(id: string, before: string, text: string): void {
    this.#etc.rewriteResolvConf(id, before, text);
  }

  /** Of the terminal, in characters. */
  resize(id: string, size: { w: number; h: number }): void {
    resizeTerminal(this.bundle(id), size);
  }

  /** Pids, as this host counts them, of everything in the container's cgroup. */
  pids(id: string): number[] {
    return cgroupPids(this.#host, this.cgroupsPath(id));
  }

  /** What a running container uses now. */
  stats(id: string, o: { pid: number; ownNetwork: boolean }): ReturnType<typeof sampleStats> {
    return sampleStats(this.#host, { cgroupsPath: this.cgroupsPath(id), ...o });
  }

  oomKills(id: string): number {
    return oomKills(this.#host, this.cgroupsPath(id));
  }
}
