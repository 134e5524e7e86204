import { existsSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { BerthError } from "../../../system/error.ts";
import { parseDetachKeys } from "../../client/detach-keys.ts";
import { EngineError, runSession } from "../../client/index.ts";
import { type Call, command, many } from "../command.ts";
import { pullImage, taggedName } from "../image/transfer.ts";
import { DockerExit, UsageError } from "../usage-error.ts";
import { attachedStreams, createBody } from "./create-body.ts";
import { createFlags } from "./create-flags.ts";
import { createChecks } from "./option-checks.ts";
import { checkTerminal } from "./terminal.ts";

export const create = command({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Create a new container",
  flags: createFlags.replace('running ("always", "missing"', 'creating ("always", "|missing"'), // so says Docker
  arity: [1, many],
  interspersed: false,
  checks: createChecks,
  run: async (call) => call.print(await createContainer(call, true)),
});

export const run = command({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Create and run a new container from an image",
  flags: `${createFlags}
    -d, --detach  Run container in background and print container ID
    --detach-keys string  Override the key sequence for detaching a container
    --sig-proxy  Proxy received signals to the process (default true)
  `,
  arity: [1, many],
  interspersed: false,
  checks: createChecks,
  run: async (call) => {
    const { engine, flags } = call;
    const detach = flags.on("detach");
    const streams = attachedStreams(flags, !detach);
    checkTerminal(call, { tty: flags.on("tty"), stdin: streams.stdin && flags.on("interactive") });
    const keys = flags.text("detach-keys");
    if (keys) parseDetachKeys(keys);
    const id = await createContainer(call, !detach).catch((error: unknown) => failed(error, 125));
    const path = `/containers/${id}`;
    if (detach) {
      // Its id is told also where it could not be started: it is there.
      const started = await engine.json("POST", `${path}/start`).catch((error: unknown) => ({ error }));
      call.print(id);
      if (started !== undefined && typeof started === "object" && started !== null && "error" in started)
        failed(started.error, startCode(started.error));
      return 0;
    }
    const tty = flags.on("tty");
    const connection = await engine.hijack(`${path}/attach`, { query: { stream: true, ...streams } });
    // Asked before the start, so that a container that is removed at its end still tells its exit code.
    const condition = flags.on("rm") ? "removed" : "next-exit";
    const ended = engine.json<{ StatusCode: number }>("POST", `${path}/wait`, { query: { condition } });
    ended.catch(() => {}); // awaited below, unless the start fails first
    const session = runSession({
      context: call,
      connection,
      tty,
      stdin: streams.stdin && flags.on("interactive"),
      resize: (size) => engine.json("POST", `${path}/resize`, { query: size }),
      detachKeys: flags.text("detach-keys"),
      ...(flags.on("sig-proxy", true) ? { onSignal: (signal) => engine.json("POST", `${path}/kill`, { query: { signal } }) } : {}),
    });
    try {
      await engine.json("POST", `${path}/start`);
    } catch (error) {
      connection.stream.destroy();
      await session;
      return failed(error, startCode(error));
    }
    if ((await session) === "detached" || !(streams.stdout || streams.stderr)) return 0; // who sees no output is not told how it ended
    return (await ended).StatusCode;
  },
});

/** Makes the container; an image that is not here is pulled first, as `--pull` says. */
async function createContainer(call: Call, attached: boolean): Promise<string> {
  const { engine, flags, args } = call;
  const [image = ""] = args;
  const policy = flags.text("pull") ?? "missing";
  if (!["always", "missing", "never"].includes(policy))
    throw new UsageError(`invalid pull option: '${policy}': must be one of "always", "missing" or "never"`);
  const body = createBody(call, attached);
  checkPlatform(flags.text("platform"));
  const cidFile = flags.text("cidfile");
  if (cidFile !== undefined && !existsSync(dirname(resolve(call.cwd, cidFile))))
    throw new UsageError(`failed to create the container ID file: open ${cidFile}: no such file or directory`);
  if (cidFile !== undefined && existsSync(resolve(call.cwd, cidFile)))
    throw new BerthError("cli/usage", `container ID file found, make sure the other container isn't running or delete ${cidFile}`);
  const make = () =>
    engine.json<{ Id: string; Warnings: readonly string[] | null }>("POST", "/containers/create", {
      query: { name: flags.text("name"), platform: flags.text("platform") },
      body,
    });
  if (policy === "always") await pullMissing(call, image);
  let made: Awaited<ReturnType<typeof make>>;
  try {
    made = await make();
  } catch (error) {
    if (policy !== "missing" || !(error instanceof EngineError) || error.code !== "image/not-found") throw error;
    if (!flags.on("quiet")) call.printError(`Unable to find image '${taggedName(image)}' locally`);
    await pullMissing(call, image);
    made = await make();
  }
  for (const warning of made.Warnings ?? []) call.printError(`WARNING: ${warning}`);
  if (cidFile !== undefined) writeFileSync(resolve(call.cwd, cidFile), made.Id, { flag: "wx" });
  return made.Id;
}

/** @throws UsageError */
function checkPlatform(text: string | undefined): void {
  if (text !== undefined && (text.split("/").length > 3 || !/^[\w./-]*$/.test(text)))
    throw new UsageError(`error parsing specified platform: ${JSON.stringify(text)}: cannot parse platform specifier: invalid argument`);
}

/** What is pulled is told on stderr: stdout is the container's. */
async function pullMissing(call: Call, image: string): Promise<void> {
  await pullImage({ ...call, stdout: call.stderr, print: call.printError }, image);
}

/** 127 for a command that is not there, 126 for one that cannot be run, 125 for every other start that failed (docker-run(1), "Exit status"). */
function startCode(error: unknown): number {
  const text = error instanceof Error ? error.message : "";
  if (/executable file not found|no such file or directory/.test(text)) return 127;
  return /permission denied|is a directory/.test(text) ? 126 : 125;
}

function failed(error: unknown, code: number): never {
  if (!(error instanceof BerthError)) throw error;
  const text = error instanceof EngineError ? `Error response from daemon: ${error.message}` : error.message;
  throw new DockerExit(code, `docker: ${text}${error.hint ? `\n  ${error.hint}` : ""}\n\nRun 'docker run --help' for more information`);
}
