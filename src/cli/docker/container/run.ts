import { readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { ContainerCreateBody } from "../../../api/index.ts";
import { BerthError } from "../../../system/error.ts";
import { EngineError, runSession } from "../../client/index.ts";
import { type Call, command, many } from "../command.ts";
import { DockerExit, UsageError } from "../usage-error.ts";
import { portBindings } from "./ports.ts";

const createFlags = `
  --add-host list...  Add a custom host-to-IP mapping (host:ip)
  --cap-add list...  Add Linux capabilities
  --cap-drop list...  Drop Linux capabilities
  --entrypoint string  Overwrite the default ENTRYPOINT of the image
  -e, --env list...  Set environment variables
  --env-file list...  Read in a file of environment variables
  --expose list...  Expose a port or a range of ports
  -h, --hostname string  Container host name
  --init  Run an init inside the container that forwards signals and reaps processes
  -i, --interactive  Keep STDIN open even if not attached
  -l, --label list...  Set meta data on a container
  --name string  Assign a name to the container
  --network network...  Connect a container to a network
  --network-alias list...  Add network-scoped alias for the container
  --privileged  Give extended privileges to this container
  -p, --publish list...  Publish a container's port(s) to the host
  -P, --publish-all  Publish all exposed ports to random ports
  --read-only  Mount the container's root filesystem as read only
  --restart string  Restart policy to apply when a container exits (default "no")
  --rm  Automatically remove the container and its associated anonymous volumes when it exits
  --stop-signal string  Signal to stop the container
  --tmpfs list...  Mount a tmpfs directory
  -t, --tty  Allocate a pseudo-TTY
  -u, --user string  Username or UID (format: <name|uid>[:<group|gid>])
  -v, --volume list...  Bind mount a volume
  -w, --workdir string  Working directory inside the container
`;

export const create = command({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Create a new container",
  flags: createFlags,
  arity: [1, many],
  interspersed: false,
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
  run: async (call) => {
    const { engine, flags } = call;
    const detach = flags.on("detach");
    const id = await createContainer(call, !detach).catch((error: unknown) => failed(error, 125));
    const path = `/containers/${id}`;
    if (detach) {
      await engine.json("POST", `${path}/start`).catch((error: unknown) => failed(error, startCode(error)));
      call.print(id);
      return 0;
    }
    const [tty, interactive] = [flags.on("tty"), flags.on("interactive")];
    const connection = await engine.hijack(`${path}/attach`, { query: { stream: true, stdin: interactive, stdout: true, stderr: true } });
    // Asked before the start, so that a container that is removed at its end still tells its exit code.
    const condition = flags.on("rm") ? "removed" : "next-exit";
    const ended = engine.json<{ StatusCode: number }>("POST", `${path}/wait`, { query: { condition } });
    ended.catch(() => {}); // awaited below, unless the start fails first
    const session = runSession({
      context: call,
      connection,
      tty,
      stdin: interactive,
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
    return (await session) === "detached" ? 0 : (await ended).StatusCode;
  },
});

async function createContainer(call: Call, attached: boolean): Promise<string> {
  const { engine, flags } = call;
  const made = await engine.json<{ Id: string; Warnings: readonly string[] | null }>("POST", "/containers/create", {
    query: { name: flags.text("name") },
    body: createBody(call, attached),
  });
  for (const warning of made.Warnings ?? []) call.printError(`WARNING: ${warning}`);
  return made.Id;
}

function createBody({ flags, args, env, cwd }: Call, attached: boolean): ContainerCreateBody {
  const [image = "", ...words] = args;
  const ports = portBindings(flags.list("publish"), flags.list("expose"));
  const [network = "default"] = flags.list("network");
  const entrypoint = flags.text("entrypoint");
  const files = flags.list("env-file").flatMap((file) => readFileSync(resolve(cwd, file), "utf8").split("\n"));
  const entries = [...files.map((line) => line.trim()).filter((line) => line && !line.startsWith("#")), ...flags.list("env")];
  return {
    Image: image,
    Hostname: flags.text("hostname") ?? "",
    User: flags.text("user") ?? "",
    WorkingDir: flags.text("workdir") ?? "",
    Tty: flags.on("tty"),
    OpenStdin: flags.on("interactive"),
    StdinOnce: flags.on("interactive") && attached,
    AttachStdin: flags.on("interactive") && attached,
    AttachStdout: attached,
    AttachStderr: attached,
    Env: entries.flatMap((entry) => (entry.includes("=") ? [entry] : env[entry] === undefined ? [] : [`${entry}=${env[entry]}`])),
    Labels: Object.fromEntries(flags.list("label").map((label) => [label.split("=")[0] ?? "", label.split("=").slice(1).join("=")])),
    ExposedPorts: ports.exposed,
    ...(words.length > 0 ? { Cmd: words } : {}),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint === "" ? [""] : [entrypoint] }),
    ...(flags.given("stop-signal") ? { StopSignal: flags.text("stop-signal") ?? "" } : {}),
    HostConfig: {
      NetworkMode: network,
      PortBindings: ports.bindings,
      PublishAllPorts: flags.on("publish-all"),
      AutoRemove: flags.on("rm"),
      Privileged: flags.on("privileged"),
      ReadonlyRootfs: flags.on("read-only"),
      CapAdd: [...flags.list("cap-add")],
      CapDrop: [...flags.list("cap-drop")],
      ExtraHosts: [...flags.list("add-host")],
      Binds: flags
        .list("volume")
        .filter((volume) => volume.includes(":"))
        .map((volume) => absoluteBind(volume, cwd)),
      Tmpfs: Object.fromEntries(flags.list("tmpfs").map((text) => [text.split(":")[0] ?? "", text.split(":").slice(1).join(":")])),
      RestartPolicy: restartPolicy(flags.text("restart")),
      ...(flags.given("init") ? { Init: flags.on("init") } : {}),
    },
    Volumes: Object.fromEntries(
      flags
        .list("volume")
        .filter((volume) => !volume.includes(":"))
        .map((volume) => [volume, {}]),
    ),
    ...(flags.list("network-alias").length > 0
      ? { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [...flags.list("network-alias")] } } } }
      : {}),
  };
}

/** "./data:/data" is a path from here; a name without a slash is a volume. */
function absoluteBind(text: string, cwd: string): string {
  const [source = "", ...rest] = text.split(":");
  return [/^\.{1,2}(\/|$)/.test(source) && !isAbsolute(source) ? resolve(cwd, source) : source, ...rest].join(":");
}

function restartPolicy(text = "no"): NonNullable<NonNullable<ContainerCreateBody["HostConfig"]>["RestartPolicy"]> {
  const [asked = "no", count = "0"] = text.split(":");
  const Name = (["no", "always", "unless-stopped", "on-failure"] as const).find((known) => known === asked);
  if (!Name)
    throw new UsageError(`invalid restart policy: unknown policy '${asked}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  if (!/^\d+$/.test(count)) throw new UsageError("maximum retry count must be an integer");
  return { Name, MaximumRetryCount: Number(count) };
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
