import type { Container } from "../../../api/index.ts";
import { BerthError } from "../../../system/error.ts";
import { runSession } from "../../client/index.ts";
import { type Call, command } from "../command.ts";
import { forEachArgument } from "../each.ts";
import { DockerExit } from "../usage-error.ts";

export const attach = command({
  usage: "[OPTIONS] CONTAINER",
  about: "Attach local standard input, output, and error streams to a running container",
  flags: `
    --detach-keys string  Override the key sequence for detaching a container
    --no-stdin  Do not attach STDIN
    --sig-proxy  Proxy all received signals to the process (default true)
  `,
  arity: [1, 1],
  run: async (call) => {
    const [name = ""] = call.args;
    const { Id, State } = await call.engine.json<Container>("GET", `/containers/${encodeURIComponent(name)}/json`);
    if (!State.Running) throw new BerthError("container/not-running", "You cannot attach to a stopped container, start it first");
    if (State.Paused) throw new BerthError("container/not-running", "You cannot attach to a paused container, unpause it first");
    return attachSession(call, Id, { stdin: !call.flags.on("no-stdin") });
  },
});

export const start = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Start one or more stopped containers",
  flags: `
    --checkpoint string  (experimental)
    --checkpoint-dir string  (experimental)
    -a, --attach  Attach STDOUT/STDERR and forward signals
    --detach-keys string  Override the key sequence for detaching a container
    -i, --interactive  Attach container's STDIN
  `,
  arity: [1, Number.POSITIVE_INFINITY],
  run: async (call) => {
    const { engine, flags, args } = call;
    const begin = (name: string) => engine.json("POST", `/containers/${encodeURIComponent(name)}/start`);
    if (!flags.on("attach") && !flags.on("interactive")) return startEach(call, begin);
    if (args.length > 1) throw new DockerExit(1, "you cannot start and attach multiple containers at once");
    const { Id } = await engine.json<Container>("GET", `/containers/${encodeURIComponent(args[0] ?? "")}/json`);
    return attachSession(call, Id, { stdin: flags.on("interactive"), before: () => begin(Id) });
  },
});

/** Several; those that could not be started are named once more at the end. */
async function startEach(call: Call, begin: (name: string) => Promise<unknown>): Promise<number> {
  const failed = new Set<string>();
  const code = await forEachArgument(call, async (name) => {
    try {
      await begin(name);
      return name;
    } catch (error) {
      failed.add(name);
      throw error;
    }
  });
  if (failed.size > 0) call.printError(`Error: failed to start containers: ${call.args.filter((name) => failed.has(name)).join(", ")}`);
  return code;
}

/** This terminal on a container's streams until it ends or is let go; answers the container's exit code. `before` starts it once everybody listens. */
async function attachSession(call: Call, id: string, o: { stdin: boolean; before?: () => Promise<unknown> }): Promise<number> {
  const { engine, flags } = call;
  const path = `/containers/${id}`;
  const { Config } = await engine.json<Container>("GET", `${path}/json`);
  const [tty, stdin] = [Config.Tty === true, o.stdin && Config.OpenStdin === true];
  const query = { stream: true, stdin, stdout: true, stderr: true, detachKeys: flags.text("detach-keys") };
  const connection = await engine.hijack(`${path}/attach`, { query });
  const condition = o.before ? "next-exit" : "not-running";
  const ended = engine.json<{ StatusCode: number }>("POST", `${path}/wait`, { query: { condition }, signal: call.signal });
  ended.catch(() => {}); // awaited below, unless the start fails first
  const session = runSession({
    context: call,
    connection,
    tty,
    stdin,
    resize: (size) => engine.json("POST", `${path}/resize`, { query: size }),
    detachKeys: flags.text("detach-keys"),
    ...(flags.on("sig-proxy", true) ? { onSignal: (signal) => engine.json("POST", `${path}/kill`, { query: { signal } }) } : {}),
  });
  try {
    await o.before?.();
  } catch (error) {
    connection.stream.destroy();
    await session;
    throw error;
  }
  return (await session) === "detached" ? 0 : (await ended).StatusCode;
}
