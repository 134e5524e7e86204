import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  type FSWatcher,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Container, ImageConfig } from "../api/index.ts";
import { BerthError, type Host, messageOf, mountFlag, run, syscalls, umountFlag } from "../system/index.ts";
import { cgroupPids, oomKills, removeCgroups } from "./cgroup.ts";
import { hostDevices } from "./devices.ts";
import { readInside } from "./inside.ts";
import { isMounted } from "./mounted.ts";
import { type NamespacePaths, ociSpec, type ResolvedMount } from "./oci-spec.ts";
import { startError } from "./start-error.ts";
import { sampleStats } from "./stats.ts";
import { resolveUser } from "./users.ts";

export interface StartInput {
  readonly container: Container;
  readonly imageConfig: ImageConfig;
  /** Overlay lower directories, top first. */
  readonly lowerDirs: readonly string[];
  readonly namespaces: NamespacePaths;
  readonly mounts: readonly ResolvedMount[];
  readonly hosts: string;
  readonly resolvConf: string;
}

export interface ExitInfo {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly finishedAt: string;
}

interface Logger {
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  debug(data: object, message: string): void;
}

/**
 * One container at a time, on crun (or runc) and conmon. Knows no names and no networks. What it keeps is on disk: `<root>/containers/<id>/`
 * (upper, work, log) and `<run>/c/<id>/` (bundle, pid files, hosts files), so that the next engine goes on with it.
 * A start spawns conmon and crun's create; the process is let go by writing to its exec fifo, which spawns nothing.
 */
export class Runtime {
  readonly #o: { root: string; run: string; instance: string; host: Host; log: Logger };
  readonly #exits = new Map<string, (exit: ExitInfo) => void>();
  #watcher: FSWatcher | undefined;

  constructor(o: { root: string; run: string; instance: string; host: Host; log: Logger }) {
    this.#o = o;
    for (const directory of [this.exitDir, this.socketDir, this.stateDir, join(o.run, "c"), join(o.root, "containers")])
      mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  get exitDir(): string {
    return join(this.#o.run, "x");
  }
  get socketDir(): string {
    return join(this.#o.run, "a");
  }
  get stateDir(): string {
    return join(this.#o.run, "crun");
  }
  bundle(id: string): string {
    return join(this.#o.run, "c", id);
  }
  directory(id: string): string {
    return join(this.#o.root, "containers", id);
  }
  rootfs(id: string): string {
    return join(this.bundle(id), "rootfs");
  }
  /** What the container has written over its image; made where it never ran. */
  upperDir(id: string): string {
    const path = join(this.directory(id), "upper");
    mkdirSync(path, { recursive: true });
    return path;
  }
  logPath(id: string): string {
    return join(this.directory(id), "ctr.log");
  }
  cgroupsPath(id: string): string {
    return `/berth-${this.#o.instance}/${id}`;
  }

  get program(): string {
    const { host } = this.#o;
    const path = host.runtime && host.tools[host.runtime];
    if (!path) throw new BerthError("system/missing-tool", "neither crun nor runc works on this machine", { hint: "Run `berth doctor`." });
    return path;
  }

  /** Starts to look for exits; every exit of a container that was passed to `onExit` is told once, however it was noticed. */
  watchExits(): void {
    this.#watcher = watch(this.exitDir, () => this.#look());
    this.#look();
  }
  close(): void {
    this.#watcher?.close();
  }
  onExit(id: string, tell: (exit: ExitInfo) => void): void {
    this.#exits.set(id, tell);
    this.#look();
  }
  #look(): void {
    for (const id of readdirSync(this.exitDir)) {
      const tell = this.#exits.get(id);
      const exit = tell && this.exitOf(id);
      if (!exit) continue;
      this.#exits.delete(id);
      tell(exit);
    }
  }
  /** The exit that conmon wrote, if it did. */
  exitOf(id: string): ExitInfo | undefined {
    const file = join(this.exitDir, id);
    try {
      const text = readFileSync(file, "utf8").trim();
      if (text === "") return undefined;
      return {
        exitCode: Number(text),
        oomKilled: existsSync(join(this.bundle(id), "oom")) || existsSync(join(this.bundle(id), "persist/oom")),
        finishedAt: statSync(file).mtime.toISOString(),
      };
    } catch {
      return undefined;
    }
  }

  /** Mounts the container's root. Idempotent. */
  mountRoot(id: string, lowerDirs: readonly string[]): string {
    const target = this.rootfs(id);
    mkdirSync(target, { recursive: true });
    if (isMounted(target)) return target;
    const base = this.directory(id);
    for (const name of ["upper", "work"]) mkdirSync(join(base, name), { recursive: true });
    syscalls().mount(
      "overlay",
      target,
      "overlay",
      0,
      `lowerdir=${lowerDirs.join(":")},upperdir=${base}/upper,workdir=${base}/work,redirect_dir=off,metacopy=off`,
    );
    return target;
  }

  /** Mounts the tree of an image, read-only, for one mount of a container; `cleanup` takes it away. Idempotent. `lowerDirs` top first. */
  mountImage(id: string, destination: string, lowerDirs: readonly string[]): string {
    const base = join(this.bundle(id), "images", Buffer.from(destination).toString("hex").slice(-64));
    const [tree, empty] = [join(base, "tree"), join(base, "empty")];
    for (const directory of [tree, empty]) mkdirSync(directory, { recursive: true });
    // Overlay wants two lower directories where there is no upper one.
    if (!isMounted(tree)) syscalls().mount("overlay", tree, "overlay", mountFlag.rdonly, `lowerdir=${[...lowerDirs, empty].join(":")}`);
    return tree;
  }

  /**
   * Everything up to the point where the process waits to be let go: root mounted, config.json, conmon, crun create.
   * @throws BerthError runtime/command-not-found, runtime/command-not-executable, runtime/start-failed; nothing is left mounted
   */
  async create(input: StartInput): Promise<{ pid: number }> {
    const { container } = input;
    const id = container.Id;
    const bundle = this.bundle(id);
    mkdirSync(bundle, { recursive: true, mode: 0o711 });
    rmSync(join(this.exitDir, id), { force: true });
    rmSync(join(bundle, "oom"), { force: true });
    try {
      this.mountRoot(id, input.lowerDirs);
      this.#writeBundle(input);
      return { pid: await this.#conmon(container) };
    } catch (error) {
      await this.cleanup(id);
      throw error;
    }
  }

  #writeBundle(input: StartInput): void {
    const { container } = input;
    const id = container.Id;
    const bundle = this.bundle(id);
    const rootfs = this.rootfs(id);
    const user = resolveUser(
      container.Config.User ?? "",
      readInside(rootfs, "/etc/passwd"),
      readInside(rootfs, "/etc/group"),
      container.HostConfig.GroupAdd ?? [],
    );
    const etc = { hosts: join(bundle, "hosts"), "resolv.conf": join(bundle, "resolv.conf"), hostname: join(bundle, "hostname") };
    writeFileSync(etc.hosts, input.hosts, { mode: 0o644 });
    writeFileSync(etc["resolv.conf"], input.resolvConf, { mode: 0o644 });
    writeFileSync(etc.hostname, `${container.Config.Hostname}\n`, { mode: 0o644 });
    const spec = ociSpec({
      container,
      imageConfig: input.imageConfig,
      user,
      rootfs,
      cgroupsPath: this.cgroupsPath(id),
      namespaces: input.namespaces,
      mounts: input.mounts,
      etc,
      host: this.#o.host,
      devices: hostDevices(container.HostConfig),
      hardNofile: hardNofile(),
      ...(container.HostConfig.Init ? { init: initProgram() } : {}),
    });
    writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
  }

  /** Spawns conmon, which spawns the low-level runtime; answers when the container is created. */
  #conmon(container: Container): Promise<number> {
    const id = container.Id;
    const bundle = this.bundle(id);
    const conmon = this.#o.host.tools.conmon;
    if (!conmon) throw new BerthError("system/missing-tool", 'the program "conmon" is not installed', { hint: "Run `berth doctor`." });
    const { Config: config } = container;
    const logging = container.HostConfig.LogConfig?.Type === "none" ? "none" : `k8s-file:${this.logPath(id)}`;
    const maxSize = container.HostConfig.LogConfig?.Config?.["max-size"];
    const args = [
      "--api-version",
      "1",
      "-c",
      id,
      "-u",
      id,
      "-n",
      id,
      "-r",
      this.program,
      "--runtime-arg",
      "--root",
      "--runtime-arg",
      this.stateDir,
      "-b",
      bundle,
      "-p",
      join(bundle, "pid"),
      "--conmon-pidfile",
      join(bundle, "conmon.pid"),
      "--exit-dir",
      this.exitDir,
      "--socket-dir-path",
      this.socketDir,
      "--full-attach",
      "--persist-dir",
      bundle,
      "-l",
      logging,
      "--no-sync-log",
      ...(maxSize && logging !== "none" ? ["--log-size-max", String(parseSize(maxSize))] : []),
      ...(config.OpenStdin ? ["-i"] : []),
      ...(config.OpenStdin && !config.StdinOnce ? ["--leave-stdin-open"] : []),
      ...(config.Tty ? ["-t"] : []),
    ];
    return new Promise((resolve, reject) => {
      // conmon writes one line of JSON with the pid, or the runtime's error, to the pipe that it is told the number of.
      const child = spawn(conmon, args, {
        stdio: ["ignore", "ignore", "pipe", "pipe"],
        cwd: bundle,
        env: { PATH: process.env["PATH"] ?? "", _OCI_SYNCPIPE: "3", LC_ALL: "C" },
        detached: true,
      });
      let sync = "";
      let stderr = "";
      const done = () => {
        const line = sync.split("\n").find((text) => text.trim());
        if (!line) return reject(startError(id, stderr || "conmon ended without a word"));
        const { data, pid, message } = JSON.parse(line) as { data?: number; pid?: number; message?: string };
        const number = pid ?? data ?? -1;
        if (number > 0) resolve(number);
        else reject(startError(id, message || stderr));
      };
      child.stdio[3]?.on("data", (chunk: Buffer) => {
        sync += chunk;
        if (sync.includes("\n")) done();
      });
      child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk));
      child.on("error", reject);
      // conmon forks twice: its first process ends at once, the pipe when the last one that holds it does.
      child.stdio[3]?.on("end", () => sync.includes("\n") || done());
      child.unref();
    });
  }

  /** Lets the created process go: what `crun start` and `runc start` do, without a process of its own. */
  async start(id: string): Promise<void> {
    await run(this.program, ["--root", this.stateDir, "start", id]).catch((error: unknown) => {
      throw startError(id, messageOf(error));
    });
  }

  async kill(id: string, signal: number): Promise<void> {
    await run(this.program, ["--root", this.stateDir, "kill", id, String(signal)]);
  }
  async pause(id: string): Promise<void> {
    await run(this.program, ["--root", this.stateDir, "pause", id]);
  }
  async resume(id: string): Promise<void> {
    await run(this.program, ["--root", this.stateDir, "resume", id]);
  }

  /** After an exit: the low-level runtime's state, the mounts and the cgroup are removed. The upper directory and the log stay. */
  async cleanup(id: string): Promise<void> {
    if (existsSync(join(this.stateDir, id)))
      await run(this.program, ["--root", this.stateDir, "delete", "--force", id], { accept: [0, 1] });
    if (isMounted(this.rootfs(id))) syscalls().umount(this.rootfs(id), umountFlag.detach);
    this.#unmountImages(id);
    rmSync(join(this.socketDir, id), { recursive: true, force: true });
    removeCgroups(this.#o.host, this.cgroupsPath(id));
  }

  #unmountImages(id: string): void {
    const directory = join(this.bundle(id), "images");
    if (!existsSync(directory)) return;
    for (const name of readdirSync(directory)) {
      const tree = join(directory, name, "tree");
      if (isMounted(tree)) syscalls().umount(tree, umountFlag.detach);
    }
    rmSync(directory, { recursive: true, force: true });
  }

  /** Everything of the container, also its upper directory and log. */
  async remove(id: string): Promise<void> {
    await this.cleanup(id);
    rmSync(this.bundle(id), { recursive: true, force: true });
    rmSync(join(this.exitDir, id), { force: true });
    rmSync(this.directory(id), { recursive: true, force: true });
  }

  /** Is its process there? For a container that a former engine started. */
  pidOf(id: string): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.bundle(id), "pid"), "utf8"));
      const conmon = Number(readFileSync(join(this.bundle(id), "conmon.pid"), "utf8"));
      return isAlive(conmon, id) && pid > 0 ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  rewriteHosts(id: string, text: string): void {
    const file = join(this.bundle(id), "hosts");
    if (existsSync(file)) writeFileSync(file, text); // in place: the bind mount holds the inode
  }

  resize(id: string, size: { w: number; h: number }): void {
    const fd = openSync(join(this.bundle(id), "ctl"), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, `1 ${size.h} ${size.w}\n`);
    } finally {
      closeSync(fd);
    }
  }

  /** Pids, as this host counts them, of everything in the container's cgroup. */
  pids(id: string): number[] {
    return cgroupPids(this.#o.host, this.cgroupsPath(id));
  }

  /** What a running container uses now. */
  stats(id: string, o: { pid: number; ownNetwork: boolean }): ReturnType<typeof sampleStats> {
    return sampleStats(this.#o.host, { cgroupsPath: this.cgroupsPath(id), ...o });
  }

  oomKills(id: string): number {
    return oomKills(this.#o.host, this.cgroupsPath(id));
  }
}

function isAlive(pid: number, word: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
  } catch {
    return false;
  }
}

export function hardNofile(): number {
  const text = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return text === "unlimited" || text === undefined ? 1048576 : Number(text);
}

function initProgram(): string {
  const found = [
    "/usr/bin/docker-init",
    "/usr/bin/tini-static",
    "/usr/bin/catatonit",
    "/usr/libexec/podman/catatonit",
    "/usr/bin/tini",
  ].find(existsSync);
  if (!found)
    throw new BerthError("system/missing-tool", "init: true needs a small init program, and none is installed", {
      hint: "Install the package tini.",
    });
  return found;
}

function parseSize(text: string): number {
  const match = /^(\d+)([kmg]?)b?$/i.exec(text);
  if (!match) throw new BerthError("runtime/bad-option", `log option max-size=${text} is not a size`);
  return Number(match[1]) * 1024 ** ["", "k", "m", "g"].indexOf((match[2] ?? "").toLowerCase());
}
