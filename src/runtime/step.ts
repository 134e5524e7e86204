import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import type { Container, ImageConfig, Resources } from "../api/index.ts";
import { BerthError, type Host, run, syscalls, umountFlag, withLowerDirs } from "../system/index.ts";
import { hardNofile } from "./bundle.ts";
import { removeCgroups } from "./cgroup.ts";
import { hostDevices } from "./devices.ts";
import { readInStep } from "./exec.ts";
import { fitToHost, readHostLimits } from "./host-limits.ts";
import { readInside } from "./inside.ts";
import { isMounted } from "./mounted.ts";
import { ociJson } from "./oci-json.ts";
import { ociSpec } from "./oci-spec.ts";
import { resolveUser } from "./users.ts";

/** One process of an image build. The fields are those of the build room's RunStep, with its network already resolved. */
export interface BuildStep {
  readonly lowerDirs: readonly string[];
  readonly upperDir: string;
  readonly workDir: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly mounts: readonly (
    | { readonly type: "bind"; readonly source: string; readonly target: string; readonly readOnly: boolean }
    | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes?: number }
  )[];
  /** Path of a network namespace, "host", or "none" for a new one with nothing in it. */
  readonly netns: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname?: string;
  readonly shmSize?: number;
  /** The control group that the step's own is made in. */
  readonly cgroupParent?: string;
  readonly ulimits?: readonly { Name: string; Soft: number; Hard: number }[];
  /** Limits, as the API names them for a container. */
  readonly resources?: Resources;
  readonly signal: AbortSignal;
  /** Where it answers a promise, the process is not read until that settles. */
  onOutput(stream: 1 | 2, chunk: Buffer): Promise<void> | undefined;
}

/**
 * Runs one build step on its own overlay, without conmon: it lives and dies with this engine. Resolves when the first process ended; what it
 * left behind is killed with its process namespace. Spawns the low-level runtime twice. Nothing stays mounted.
 */
export async function runStep(o: { run: string; instance: string; host: Host }, step: BuildStep): Promise<{ exitCode: number }> {
  const { host } = o;
  const program = host.runtime && host.tools[host.runtime];
  if (!program) throw new BerthError("system/missing-tool", "neither crun nor runc works on this machine", { hint: "Run `berth doctor`." });
  step.signal.throwIfAborted();
  const id = `step-${randomBytes(6).toString("hex")}`;
  const bundle = join(o.run, "s", id);
  const rootfs = join(bundle, "rootfs");
  const stateDir = join(o.run, "s", "state");
  const cgroupsPath = step.cgroupParent === undefined ? `/berth-${o.instance}/${id}` : posix.resolve("/", step.cgroupParent, `berth-${id}`);
  mkdirSync(rootfs, { recursive: true, mode: 0o711 });
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  let mounted = false;
  try {
    // Overlay wants at least one lower directory; a build from scratch has none.
    withLowerDirs(step.lowerDirs.length > 0 ? step.lowerDirs : [emptyDirectory(bundle)], (lower) => {
      const options = `lowerdir=${lower},upperdir=${step.upperDir},workdir=${step.workDir},redirect_dir=off,metacopy=off`;
      syscalls().mount("overlay", rootfs, "overlay", 0, options);
      mounted = true;
    });
    writeFileSync(join(bundle, "config.json"), ociJson(stepSpec(host, step, { bundle, rootfs, cgroupsPath })));
    return {
      exitCode: await runToEnd(program, ["--root", stateDir, "run", "--bundle", bundle, id], step, () => kill(program, stateDir, id)),
    };
  } finally {
    await kill(program, stateDir, id);
    // Not asked of the table of mounts, which may miss a line while others change it.
    if (mounted) syscalls().umount(rootfs, umountFlag.detach);
    await removeCgroups(host, cgroupsPath);
    rmSync(bundle, { recursive: true, force: true });
  }
}

/** Ends what the steps of a killed engine left: processes, mounts, cgroups, bundles. */
export async function sweepSteps(o: { run: string; instance: string; host: Host }): Promise<void> {
  const directory = join(o.run, "s");
  const program = o.host.runtime && o.host.tools[o.host.runtime];
  if (!program || !existsSync(directory)) return;
  for (const id of readdirSync(directory).filter((name) => name.startsWith("step-"))) {
    await kill(program, join(directory, "state"), id);
    const rootfs = join(directory, id, "rootfs");
    if (isMounted(rootfs)) syscalls().umount(rootfs, umountFlag.detach);
    await removeCgroups(o.host, cgroupsOf(join(directory, id)) ?? `/berth-${o.instance}/${id}`);
    rmSync(join(directory, id), { recursive: true, force: true });
  }
}

/** Where the cgroups of a step are, as its bundle says. */
function cgroupsOf(bundle: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")) as { linux?: { cgroupsPath?: string } }).linux?.cgroupsPath; // written by runStep
  } catch {
    return undefined; // it was killed before that
  }
}

function emptyDirectory(bundle: string): string {
  const directory = join(bundle, "empty");
  mkdirSync(directory);
  return directory;
}

function stepSpec(host: Host, step: BuildStep, at: { bundle: string; rootfs: string; cgroupsPath: string }): Record<string, unknown> {
  const etc = { hosts: join(at.bundle, "hosts"), "resolv.conf": join(at.bundle, "resolv.conf"), hostname: join(at.bundle, "hostname") };
  const hostname = step.hostname ?? "buildkitsandbox";
  writeFileSync(etc.hosts, step.hosts, { mode: 0o644 });
  writeFileSync(etc["resolv.conf"], step.resolvConf, { mode: 0o644 });
  writeFileSync(etc.hostname, `${hostname}\n`, { mode: 0o644 });
  const container = {
    Path: step.args[0] ?? "",
    Args: step.args.slice(1),
    Config: { Hostname: hostname, Env: step.env, WorkingDir: step.cwd, User: step.user, Tty: false },
    HostConfig: fitToHost(
      { ...step.resources, Ulimits: [...(step.ulimits ?? [])], ...(step.shmSize ? { ShmSize: step.shmSize } : {}) },
      readHostLimits(host),
    ).hostConfig,
  } as unknown as Container; // the part of a record that the translation to an OCI spec reads
  const spec = ociSpec({
    container,
    imageConfig: {} as ImageConfig, // what it would give is in Config already
    user: resolveUser(step.user, readInside(at.rootfs, "/etc/passwd"), readInside(at.rootfs, "/etc/group")),
    rootfs: at.rootfs,
    cgroupsPath: at.cgroupsPath,
    namespaces: step.netns === "none" ? { network: undefined as unknown as string } : { network: step.netns }, // undefined makes a new one
    mounts: step.mounts.map((mount) =>
      mount.type === "tmpfs"
        ? {
            destination: mount.target,
            type: "tmpfs",
            source: "tmpfs",
            options: ["nosuid", "nodev", ...(mount.sizeBytes ? [`size=${mount.sizeBytes}`] : [])],
          }
        : { destination: mount.target, type: "bind", source: mount.source, options: ["rbind", "rprivate", mount.readOnly ? "ro" : "rw"] },
    ),
    etc,
    host,
    devices: hostDevices(container.HostConfig),
    hardNofile: hardNofile(),
  });
  return asBuildStep(spec, step.env);
}

const readOnly = (options: readonly string[]): string[] => [...options.filter((option) => option !== "rw"), "ro"];

/** As BuildKit runs a step: no HOSTNAME variable, the primary group among the groups, and what is mounted in /etc cannot be written. */
function asBuildStep(spec: Record<string, unknown>, own: readonly string[]): Record<string, unknown> {
  const process = spec["process"] as { env: string[]; user: { gid: number; additionalGids: readonly number[] } }; // ociSpec made it
  const additionalGids = [...new Set([process.user.gid, ...process.user.additionalGids])];
  const env = process.env.filter((entry) => !entry.startsWith("HOSTNAME=") || own.includes(entry));
  const mounts = (spec["mounts"] as { destination: string; options?: string[] }[]).map((mount) =>
    /^\/etc\/(hosts|resolv\.conf|hostname)$/.test(mount.destination) ? { ...mount, options: readOnly(mount.options ?? []) } : mount,
  );
  return { ...spec, mounts, process: { ...process, env, user: { ...process.user, additionalGids } } };
}

function runToEnd(program: string, args: readonly string[], step: BuildStep, end: () => Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" } });
    const abort = () => {
      end()
        .catch(() => {}) // the step ends by the signal that follows
        .finally(() => child.kill("SIGKILL"));
    };
    step.signal.addEventListener("abort", abort, { once: true });
    readInStep(child.stdout, (chunk) => step.onOutput(1, chunk));
    readInStep(child.stderr, (chunk) => step.onOutput(2, chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      step.signal.removeEventListener("abort", abort);
      if (step.signal.aborted) reject(step.signal.reason);
      else resolve(code ?? 137);
    });
  });
}

async function kill(program: string, stateDir: string, id: string): Promise<void> {
  await run(program, ["--root", stateDir, "delete", "--force", id], { accept: [0, 1] });
}
