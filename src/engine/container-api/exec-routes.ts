import { randomBytes } from "node:crypto";
import type { ExecCreateBody } from "../../api/index.ts";
import { checkExecUser, type ExecSession, execInContainer, type Runtime } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import type { Containers } from "../containers/containers.ts";
import { commandText } from "../containers/exec-event.ts";
import type { EventBus } from "../event-bus.ts";
import { type Hijacked, hijack } from "../http/hijack.ts";
import { type Route, route, sendEmpty, sendJson } from "../http/http.ts";
import { jsonBody } from "../http/json-body.ts";
import { terminalSize } from "../http/query-values.ts";
import { execBody } from "./create-body.ts";
import { checkExecKeys, detachWatch } from "./detach-keys.ts";

/** A command in a container, by its id; kept for a while after its end. */
export interface Exec {
  readonly id: string;
  readonly containerId: string;
  readonly body: ExecCreateBody;
  session?: ExecSession;
  running: boolean;
  exitCode: number | null;
  pid: number;
  size?: { w: number; h: number };
}

/** What inspect shows as ExecIDs: those that were not started yet and those that run. */
export function execIdsOf(execs: ReadonlyMap<string, Exec>, containerId: string): string[] | null {
  const ids = [...execs.values()].filter((exec) => exec.containerId === containerId && exec.exitCode === null).map((exec) => exec.id);
  return ids.length > 0 ? ids : null;
}

/** How long the answer to "how did it end" is kept. */
const keptMs = 10 * 60_000;

/** POST /containers/{id}/exec and /exec/... */
export function execRoutes({
  containers,
  runtime,
  events,
  execs,
}: {
  containers: Containers;
  runtime: Runtime;
  events: EventBus;
  execs: Map<string, Exec>;
}): Route[] {
  const get = (id: string | undefined): Exec => {
    const exec = execs.get(id ?? "");
    if (!exec) throw new BerthError("api/not-found", `No such exec instance: ${id}`);
    return exec;
  };
  const emit = (exec: Exec, action: string, more: Record<string, string> = {}) => {
    const record = containers.find(exec.containerId);
    if (record)
      events.emit("container", action, record.Id, {
        ...record.Config.Labels,
        image: record.Config.Image ?? "",
        name: record.Name.slice(1),
        execID: exec.id,
        ...more,
      });
  };
  const begin = (exec: Exec, onOutput: Parameters<typeof execInContainer>[3], onAccepted?: () => void): ExecSession => {
    const { body } = exec;
    if (exec.session) throw startedBefore(exec);
    const record = containers.get(exec.containerId);
    if (!record.State.Running) throw new BerthError("container/not-running", `container ${record.Id} is not running`);
    const session = execInContainer(
      runtime,
      exec.containerId,
      {
        args: body.Cmd ?? [],
        env: body.Env ?? [],
        user: body.User ?? "",
        cwd: body.WorkingDir ?? "",
        tty: body.Tty === true,
        stdin: body.AttachStdin === true,
        privileged: body.Privileged === true,
        ...(exec.size ? { size: exec.size } : {}),
      },
      // Docker sends nothing of a stream that was not asked for.
      (stream, data) => (attached(body, stream) ? onOutput(stream, data) : undefined),
      onAccepted,
    );
    exec.session = session;
    exec.running = true;
    emit(exec, `exec_start: ${commandText(body.Cmd ?? [])}`);
    void session.pid.then((pid) => {
      exec.pid = pid;
    });
    void session.exited.then((code) => {
      exec.running = false;
      exec.exitCode = code;
      emit(exec, "exec_die", { exitCode: String(code) });
      setTimeout(() => execs.delete(exec.id), keptMs).unref();
    });
    return session;
  };
  return [
    route("POST", "/containers/{id}/exec", async (call) => {
      const body = execBody(await jsonBody<unknown>(call.request));
      if (!body.Cmd?.length) throw new BerthError("api/bad-parameter", "No exec command specified");
      const record = containers.get(decodeURIComponent(call.params[0] ?? ""));
      if (!record.State.Running) throw new BerthError("container/not-running", `container ${record.Id} is not running`);
      if (record.State.Paused)
        throw new BerthError("container/not-running", `Container ${record.Name.slice(1)} is paused, unpause the container before exec`);
      checkExecKeys(body.DetachKeys);
      if (body.User) checkExecUser(runtime, record.Id, body.User);
      const id = randomBytes(32).toString("hex");
      const exec: Exec = {
        id,
        containerId: record.Id,
        body,
        running: false,
        exitCode: null,
        pid: 0,
        ...(body.ConsoleSize ? { size: { h: body.ConsoleSize[0], w: body.ConsoleSize[1] } } : {}),
      };
      execs.set(id, exec);
      emit(exec, `exec_create: ${commandText(body.Cmd)}`);
      sendJson(call.response, 201, { Id: id });
    }),
    route("POST", "/exec/{id}/start", async (call) => {
      const body = await jsonBody<{ Detach?: boolean; Tty?: boolean; ConsoleSize?: [number, number] }>(call.request);
      const exec = get(call.params[0]);
      if (body.ConsoleSize) exec.size = { h: body.ConsoleSize[0], w: body.ConsoleSize[1] };
      if (body.Detach) {
        const session = begin(exec, () => {});
        const end = await Promise.race([session.pid.then(() => undefined), session.ended]);
        if (end?.reason) throw new BerthError("runtime/command-not-found", end.reason);
        sendEmpty(call.response, 200);
        return;
      }
      const record = containers.get(exec.containerId);
      if (!record.State.Running) throw new BerthError("container/not-running", `container ${record.Id} is not running`);
      if (exec.session) {
        // Told where its output would be, as by Docker: Compose's watch starts what it has attached to once more, and looks at the status alone.
        const stream = hijack(call, { tty: body.Tty === true });
        await stream.send(1, Buffer.from(`${startedBefore(exec).message}\r\n`));
        stream.end();
        return;
      }
      let taken: Hijacked | undefined;
      let left = false;
      let detached = false;
      // What is refused (an unknown user) is still an answer of its own. Frames are what the start asks for, whatever the process has: clients read by what
      // they said here.
      const session = begin(
        exec,
        (kind, data) => {
          if (!left) return taken?.send(kind, data);
          session.hangUp();
        },
        () => {
          taken = hijack(call, { tty: body.Tty === true });
        },
      );
      const stream = taken as Hijacked | undefined; // assigned in the call above
      if (!stream) return;
      if (exec.body.AttachStdin) {
        const watch = exec.body.Tty ? detachWatch(exec.body.DetachKeys) : undefined;
        const take = (data: Buffer) => {
          const { pass, detached: letGo } = watch?.feed(data) ?? { pass: data, detached: false };
          const full = pass.length > 0 ? session.write(pass) : undefined;
          if (full !== undefined) {
            stream.socket.pause();
            void full.then(() => stream.socket.resume());
          }
          if (!letGo) return;
          detached = true;
          emit(exec, "exec_detach");
          stream.socket.destroy();
        };
        if (call.upgrade?.head.length) take(call.upgrade.head);
        stream.socket.on("data", take);
        stream.socket.on("end", () => session.endInput());
      } else stream.socket.resume();
      // A client that is cut off has no orderly end. As with Docker, a terminal hangs up then, and of other processes the input ends; who writes on finds out.
      stream.socket.on("close", () => {
        left = !detached;
        if (!left || !exec.body.AttachStdin || !exec.running) return;
        if (exec.body.Tty) session.hangUp();
        else session.endInput();
      });
      await session.exited;
      stream.end();
    }),
    route("POST", "/exec/{id}/resize", (call) => {
      const size = terminalSize(call.query);
      const exec = get(call.params[0]);
      exec.size = size;
      exec.session?.resize(exec.size);
      sendEmpty(call.response, 200);
    }),
    route("GET", "/exec/{id}/json", (call) => {
      const exec = get(call.params[0]);
      const [entrypoint = "", ...args] = exec.body.Cmd ?? [];
      sendJson(call.response, 200, {
        ID: exec.id,
        Running: exec.running,
        ExitCode: exec.exitCode,
        Pid: exec.pid,
        ContainerID: exec.containerId,
        CanRemove: false,
        DetachKeys: "",
        OpenStdin: exec.body.AttachStdin === true,
        OpenStdout: exec.body.AttachStdout === true,
        OpenStderr: exec.body.AttachStderr === true,
        ProcessConfig: {
          tty: exec.body.Tty === true,
          entrypoint,
          arguments: args,
          privileged: exec.body.Privileged === true,
          ...(exec.body.User ? { user: exec.body.User } : {}),
        },
      });
    }),
  ];
}

function attached(body: ExecCreateBody, stream: 1 | 2): boolean {
  return (stream === 1 ? body.AttachStdout : body.AttachStderr) === true;
}

function startedBefore({ id, running }: Exec): BerthError {
  return new BerthError("api/conflict", running ? `exec command ${id} is already running` : `exec command ${id} has already run`);
}
