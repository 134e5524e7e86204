import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "../api/index.ts";
import { BerthError, type Host, reaped, type Spawned, spawnProcess } from "../system/index.ts";
import type { ContainerPaths } from "./container-paths.ts";
import { logKeeping } from "./log-options.ts";
import { startError } from "./start-error.ts";

/**
 * Spawns conmon, which puts itself into the background and spawns the low-level runtime's `create`. Answers the container's pid when it is created.
 * @throws BerthError runtime/command-not-found, runtime/command-not-executable, runtime/start-failed, system/missing-tool
 */
export async function startConmon(o: { paths: ContainerPaths; host: Host; program: string }, container: Container): Promise<number> {
  const { paths, host, program } = o;
  const id = container.Id;
  if (!host.tools.conmon)
    throw new BerthError("system/missing-tool", 'the program "conmon" is not installed', { hint: "Run `berth doctor`." });
  const child = await spawnProcess({
    file: host.tools.conmon,
    args: conmonArgs(paths, program, container),
    cwd: paths.bundle(id),
    env: { PATH: process.env["PATH"] ?? "", _OCI_SYNCPIPE: "3", LC_ALL: "C" },
    stdio: ["null", "null", "to-parent", "to-parent"],
    newSession: true,
  });
  // One line of JSON on the synchronization pipe: the pid, or the runtime's error. It ends without one when conmon died.
  const [sync, stderr] = await Promise.all([firstLine(child.pipes[3]), text(child.pipes[2])]);
  await reaped(child);
  if (!sync) throw startError(id, stderr || "conmon ended without a word", container.Path);
  const { data, pid, message } = JSON.parse(sync) as { data?: number; pid?: number; message?: string }; // conmon's own format, --api-version 1
  const number = pid ?? data ?? -1;
  if (number > 0) return number;
  throw startError(id, message || stderr, container.Path);
}

function conmonArgs(paths: ContainerPaths, program: string, { Id: id, Config: config, HostConfig: hc }: Container): string[] {
  const log = logKeeping(hc.LogConfig);
  const bundle = paths.bundle(id);
  return [
    ...["--api-version", "1"],
    ...["-c", id, "-u", id, "-n", id],
    ...["-r", program, "--runtime-arg", "--root", "--runtime-arg", paths.stateDir],
    ...["-b", bundle, "-p", join(bundle, "pid"), "--conmon-pidfile", join(bundle, "conmon.pid"), "--persist-dir", bundle],
    ...["--exit-dir", paths.exitDir, "--socket-dir-path", paths.socketDir, "--full-attach"],
    ...["-l", `k8s-file:${paths.logPath(id)}`, "--no-sync-log"],
    // conmon throws a full file away; where several are kept the engine begins new ones (log-rotation.ts), of which conmon's counter would know nothing.
    ...(log.kept && log.sizeBytes && log.files === 1 ? ["--log-size-max", String(log.sizeBytes)] : []),
    ...(config.OpenStdin ? ["-i"] : []),
    // The first who lets go of a terminal does not end its input, as with Docker: StdinOnce is about pipes.
    ...(config.OpenStdin && (!config.StdinOnce || config.Tty) ? ["--leave-stdin-open"] : []),
    ...(config.Tty ? ["-t"] : []),
  ];
}

type Pipe = Spawned["pipes"][number];

/** The first line that is not empty; the pipe is left alone after it. */
function firstLine(pipe: Pipe): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const done = () => {
      resolve(said.split("\n").find((line) => line.trim()) ?? "");
      pipe?.destroy();
    };
    pipe?.on("data", (chunk: Buffer) => {
      said += chunk;
      if (/\S.*\n/.test(said)) done();
    });
    pipe?.on("end", done);
    pipe?.on("error", done);
  });
}

function text(pipe: Pipe): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    pipe?.on("data", (chunk: Buffer) => (said += chunk));
    pipe?.on("error", () => {});
    pipe?.on("end", () => pipe.destroy());
    pipe?.on("close", () => resolve(said));
  });
}

/** Asks a container's conmon to resize its terminal (conmon ctrl.c: "1 <rows> <columns>" into `ctl`). */
export function resizeTerminal(bundle: string, size: { w: number; h: number }): void {
  const fd = openSync(join(bundle, "ctl"), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, `1 ${size.h} ${size.w}\n`);
  } finally {
    closeSync(fd);
  }
}
