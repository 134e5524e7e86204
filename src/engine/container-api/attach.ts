import { existsSync } from "node:fs";
import { AttachInput, logEnd, type Runtime, readOutput } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import { type Hijacked, hijack } from "../http/hijack.ts";
import type { Call } from "../http/http.ts";
import { flag } from "../http/query-values.ts";
import { detachWatch } from "./detach-keys.ts";

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
  // A websocket had all three streams until 1.42.
  const [stdin, stdout, stderr] = ["stdin", "stdout", "stderr"].map((name) =>
    flag(query, name, taken !== undefined && call.version < 1.42),
  );
  const takesInput = stdin === true && record.Config.OpenStdin === true;
  const tty = record.Config.Tty === true;
  const running = () => containers.find(record.Id)?.State.Running === true;
  const from = replay ? undefined : logEnd(path);
  const keys = detachWatch(query.get("detachKeys")); // wrong ones are refused whether or not there is a terminal
  const watch = tty ? keys : undefined;
  const session = taken ?? hijack(call, { tty });
  const gone = new AbortController();
  if (!stdin && !stdout && !stderr) return session.end(); // nothing is asked for
  session.socket.on("close", () => gone.abort());
  const left = new AbortController();
  let input: AttachInput | undefined;
  const early: Buffer[] = [];
  let ended = false;
  let passing: Promise<void> | undefined;
  if (takesInput) {
    const write = (data: Buffer) => {
      if (!input) early.push(Buffer.from(data));
      const full = input?.write(data);
      passing = full;
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
      // As with Docker, whose input others may go on with is left by a client who has no more: its output until then is told.
      if (!record.Config.StdinOnce || tty) left.abort();
      if (!tty) input?.end();
    });
  } else session.socket.resume();
  if (stream) {
    await Promise.race([containers.started(record.Id, gone.signal), aborted(gone.signal)]);
    if (gone.signal.aborted) return;
    if (!running() && !existsSync(path)) {
      session.end(); // it could not be started: there will be no output
      return;
    }
    if (takesInput && running()) {
      input = inputOf(`${runtime.bundle(record.Id)}/attach`);
      for (const data of early.splice(0)) passing = input?.write(data);
      if (ended && !tty) input?.end();
      session.socket.resume();
    }
  }
  if (stream || replay) {
    const output = readOutput(path, {
      stdout: stdout === true,
      stderr: stderr === true,
      follow: stream,
      ...(from ? { from } : {}),
      ended: () => !running(),
      ...(running() ? { wake: containers.wait(record.Id, "not-running", gone.signal) } : {}),
      signal: AbortSignal.any([gone.signal, left.signal]),
    });
    for await (const piece of output) await session.send(piece.stream, piece.data);
  }
  // Its last input may still be on the way to a process that is slow to read.
  if (left.signal.aborted) await Promise.race([passing, containers.wait(record.Id, "not-running", gone.signal), aborted(gone.signal)]);
  input?.close();
  session.end();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true })));
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
