import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { AttachInput, logEnd, type Runtime, readOutput } from "../runtime/index.ts";
import { BerthError } from "../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { Containers } from "./containers.ts";
import { detachWatch } from "./detach-keys.ts";
import { type Hijacked, hijack } from "./hijack.ts";
import type { Call } from "./http.ts";
import { flag } from "./query-values.ts";

/**
 * docker-py throws away what comes in one piece with the answer's head. Output of a process comes later by itself; a replay is there at once, and waits so long.
 */
const headMs = 20;

/** Pieces of input (of at most 64 KiB) that are kept for a container that is not started yet. */
const maxEarly = 16;

/**
 * POST /containers/{id}/attach. Output is followed from the log, from its end at the time of the attach, so that nothing is lost between the attach and
 * the first byte and nothing of an earlier run comes again; input goes to conmon's socket. A container that is not started yet is waited for.
 */
export async function attach(
  call: Call,
  record: ContainerRecord,
  { runtime, containers }: { runtime: Runtime; containers: Containers },
  taken?: Hijacked,
  onDetach?: () => void,
): Promise<void> {
  const { query } = call;
  const path = runtime.logPath(record.Id);
  const [stream, replay] = [flag(query, "stream"), flag(query, "logs")];
  const takesInput = flag(query, "stdin") && record.Config.OpenStdin === true;
  const tty = record.Config.Tty === true;
  const running = () => containers.find(record.Id)?.State.Running === true;
  const from = replay ? undefined : logEnd(path);
  const watch = tty ? detachWatch(query.get("detachKeys")) : undefined;
  const session = taken ?? hijack(call, { tty });
  const gone = new AbortController();
  session.socket.on("close", () => gone.abort());
  let input: AttachInput | undefined;
  const early: Buffer[] = [];
  let ended = false;
  if (takesInput) {
    const write = (data: Buffer) => {
      if (!input) early.push(Buffer.from(data));
      const full = input?.write(data);
      // Before the start a client's going away is still to be seen: only one that sends much is not read on.
      if (full === undefined && (input || early.length < maxEarly)) return;
      session.socket.pause();
      void full?.then(() => session.socket.resume());
    };
    const take = (data: Buffer) => {
      if (!watch) return void write(data);
      const { pass, detached } = watch.feed(data);
      if (pass.length > 0) write(pass);
      if (!detached) return;
      onDetach?.();
      gone.abort();
      session.end();
      session.socket.destroy();
    };
    if (!taken && call.upgrade?.head.length) take(call.upgrade.head);
    session.socket.on("data", take);
    session.socket.on("end", () => {
      ended = true;
      if (record.Config.StdinOnce || !tty) input?.end();
    });
  } else session.socket.resume();
  if (stream) {
    await Promise.race([
      containers.started(record.Id, gone.signal),
      new Promise((resolve) => gone.signal.addEventListener("abort", resolve, { once: true })),
    ]);
    if (gone.signal.aborted) return;
    if (!running() && !existsSync(path)) {
      session.end(); // it could not be started: there will be no output
      return;
    }
    if (takesInput && running()) {
      input = inputOf(`${runtime.bundle(record.Id)}/attach`);
      for (const data of early.splice(0)) void input?.write(data);
      if (ended) input?.end();
      session.socket.resume();
    }
  }
  if (stream || replay) {
    if (replay) await setTimeout(headMs);
    const output = readOutput(path, {
      stdout: flag(query, "stdout"),
      stderr: flag(query, "stderr"),
      follow: stream,
      ...(from ? { from } : {}),
      ended: () => !running(),
      ...(running() ? { wake: containers.wait(record.Id, "not-running", gone.signal) } : {}),
      signal: gone.signal,
    });
    for await (const piece of output) await session.send(piece.stream, piece.data);
  }
  input?.close();
  session.end();
}

/** Undefined where the process has ended already and its monitor with it: then nobody reads, and the output is still told. */
function inputOf(path: string): AttachInput | undefined {
  try {
    return new AttachInput(path);
  } catch (error) {
    if (error instanceof BerthError && error.code === "system/syscall") return undefined;
    throw error;
  }
}
