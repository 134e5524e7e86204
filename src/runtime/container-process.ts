import { closeSync, constants, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, syscalls } from "../system/index.ts";
import type { ContainerPaths } from "./container-paths.ts";

// The same numbers on every architecture (syscalls(2)).
const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;

/** The first process of a container that conmon still watches, also where a former engine started it. */
export function containerPid(paths: ContainerPaths, id: string): number | undefined {
  const [pid, conmon] = [readPid(join(paths.bundle(id), "pid")), readPid(join(paths.bundle(id), "conmon.pid"))];
  return pid && conmon && parentOf(pid) === conmon && commandLine(conmon).includes(id) ? pid : undefined;
}

/** Is the monitor there, which will write the exit file? */
export function isMonitored(paths: ContainerPaths, id: string): boolean {
  const conmon = readPid(join(paths.bundle(id), "conmon.pid"));
  return conmon !== undefined && commandLine(conmon).includes(id);
}

/** Ends the monitor of a container, once the creation that it is at is over (at most ten seconds): half a creation could not be undone. */
export async function endMonitor(paths: ContainerPaths, id: string): Promise<void> {
  const created = () => existsSync(join(paths.bundle(id), "pid"));
  for (let tries = 0; tries < 1000 && isMonitored(paths, id) && !created(); tries++) await pause(10);
  const conmon = readPid(join(paths.bundle(id), "conmon.pid"));
  if (conmon && isMonitored(paths, id)) process.kill(conmon, "SIGKILL");
  for (let tries = 0; tries < 1000 && isMonitored(paths, id); tries++) await pause(5);
}

/**
 * Sends a signal to the first process of a container, as the low-level runtimes' `kill` does, without a process of its own. The descriptor is taken before the
 * process is checked, so that the signal never reaches another one that got its number. False: it is not there any more.
 */
export function signalContainer(paths: ContainerPaths, id: string, signal: number): boolean {
  const os = syscalls();
  const pid = readPid(join(paths.bundle(id), "pid"));
  if (!pid) return false;
  const call = os.libc("long syscall(long number, long a, long b, long c, long d)");
  const fd = Number(call(SYS_pidfd_open, pid, 0, 0, 0));
  if (fd < 0) return false;
  try {
    if (containerPid(paths, id) !== pid) return false;
    return Number(call(SYS_pidfd_send_signal, fd, signal, 0, 0)) === 0;
  } finally {
    os.libc("int close(int fd)")(fd);
  }
}

/**
 * Lets a created process go: what `crun start` does (libcrun status.c: a byte into exec.fifo, whose absence means "running"), without a process of its own.
 * False where there is no such fifo, or nobody who reads it.
 */
export function letGo(paths: ContainerPaths, id: string): boolean {
  const fifo = join(paths.state(id), "exec.fifo");
  let fd: number;
  try {
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENXIO") return false;
    throw error;
  }
  try {
    rmSync(fifo, { force: true });
    return writeSync(fd, Buffer.alloc(1)) === 1;
  } finally {
    closeSync(fd);
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number(readFileSync(file, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

/** Field 4 of proc_pid_stat(5); the command before it may have spaces and brackets. */
function parentOf(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
