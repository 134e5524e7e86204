import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { RunRequest, UpOptions } from "../../api/index.ts";
import { BerthError, messageOf } from "../../system/error.ts";
import { type EngineClient, runSession } from "../client/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { loadedProject } from "../project-source.ts";
import { registryAuth } from "../registry-auth.ts";
import { environmentEntries, labelEntries, parsePublish, parseVolume, shellWords } from "../run-options.ts";
import { requireServices } from "../service-names.ts";

export interface RunFlags {
  readonly build?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly deps: boolean;
  readonly detach?: boolean;
  readonly entrypoint?: string;
  readonly env?: readonly string[];
  readonly envFromFile?: readonly string[];
  /** false: --no-interactive, -i=false. */
  readonly interactive?: boolean;
  readonly label?: readonly string[];
  readonly name?: string;
  readonly publish?: readonly string[];
  readonly pull?: UpOptions["pull"];
  readonly quiet?: boolean;
  readonly quietBuild?: boolean;
  readonly quietPull?: boolean;
  readonly removeOrphans?: boolean;
  readonly rm?: boolean;
  readonly servicePorts?: boolean;
  /** false: -T. */
  readonly tty: boolean;
  readonly useAliases?: boolean;
  readonly user?: string;
  readonly volume?: readonly string[];
  readonly workdir?: string;
}

/** `berth run`: a one-off container of a service, after what it depends on is up. Exits with its exit code. */
export async function run(cli: Invocation, args: readonly string[], flags: RunFlags): Promise<number> {
  const [service = "", ...command] = args;
  if (flags.servicePorts && flags.publish) throw usageError("--service-ports and --publish are incompatible");
  const project = await loadedProject(cli, [service]);
  requireServices(project, [service]);
  const hasTerminal = flags.tty && !flags.detach && cli.stdin.isTTY === true && cli.stdout.isTTY === true;
  const interactive = !flags.detach && flags.interactive !== false;
  const body: RunRequest = {
    project,
    service,
    tty: hasTerminal,
    interactive,
    environment: { ...fromFiles(cli, flags.envFromFile ?? []), ...environmentEntries(flags.env ?? [], cli.env) },
    labels: labelEntries(flags.label ?? []),
    ports: (flags.publish ?? []).flatMap(parsePublish),
    volumes: (flags.volume ?? []).map((text) => parseVolume(text, cli.cwd)),
    ...(command.length > 0 ? { command } : {}),
    ...(flags.entrypoint === undefined ? {} : { entrypoint: shellWords(flags.entrypoint) }),
    ...(flags.name ? { name: flags.name } : {}),
    ...(flags.user ? { user: flags.user } : {}),
    ...(flags.workdir ? { workingDir: flags.workdir } : {}),
    ...(flags.servicePorts ? { servicePorts: true } : {}),
    ...(flags.useAliases ? { useAliases: true } : {}),
    ...(flags.deps ? {} : { noDeps: true }),
    ...(flags.rm ? { remove: true } : {}),
    ...(flags.capAdd ? { capAdd: [...flags.capAdd] } : {}),
    ...(flags.capDrop ? { capDrop: [...flags.capDrop] } : {}),
    ...(flags.build ? { build: true } : {}),
    ...(flags.pull ? { pull: flags.pull } : {}),
    ...(flags.removeOrphans ? { removeOrphans: true } : {}),
    ...(cli.globals.parallel === undefined ? {} : { parallel: cli.globals.parallel }),
    auth: await registryAuth(cli, project),
  };
  if (cli.globals.dryRun) {
    cli.print(`would run ${command.length > 0 ? JSON.stringify(command) : "the command"} of ${service} in a new container`);
    return 0;
  }
  const { containerId } = await changeProject(
    cli,
    { method: "POST", project: project.name, action: "run", body },
    { ...flags, title: "Running" },
  );
  if (!containerId) throw new BerthError("system/internal", "the engine made no container to run");
  const client = await cli.engine();
  if (flags.detach) {
    await client.json("POST", `/containers/${containerId}/start`, { signal: cli.signal });
    cli.print(containerId);
    return 0;
  }
  return attachedRun(cli, client, containerId, { tty: hasTerminal, interactive, remove: flags.rm === true });
}

async function attachedRun(
  cli: Invocation,
  client: EngineClient,
  id: string,
  o: { readonly tty: boolean; readonly interactive: boolean; readonly remove: boolean },
): Promise<number> {
  const path = `/containers/${id}`;
  const connection = await client.hijack(`${path}/attach`, { query: { stream: true, stdin: o.interactive, stdout: true, stderr: true } });
  // Asked before the start, so that a container that is removed at its end still tells its exit code.
  const condition = o.remove ? "removed" : "next-exit";
  const ended = client.json<{ StatusCode: number }>("POST", `${path}/wait`, { query: { condition } });
  ended.catch(() => {}); // awaited below, unless the start fails first
  const session = runSession({
    context: cli,
    connection,
    tty: o.tty,
    stdin: o.interactive,
    resize: (size) => client.json("POST", `${path}/resize`, { query: size }),
    onSignal: (signal) => client.json("POST", `${path}/kill`, { query: { signal } }),
  });
  session.catch(() => {}); // awaited below
  try {
    await client.json("POST", `${path}/start`);
  } catch (error) {
    connection.stream.destroy();
    await session.catch(() => {});
    // With --rm nothing of it is left behind, whether it ran or not.
    if (o.remove) await client.json("DELETE", path, { query: { v: true, force: true } }).catch(() => {});
    throw error;
  }
  return (await session) === "detached" ? 0 : (await ended).StatusCode;
}

/** Variables of files in the form of `docker run --env-file`: one NAME=VALUE (or NAME) a line, # in front for a comment. */
function fromFiles(cli: Invocation, files: readonly string[]): Record<string, string> {
  const lines = files.flatMap((file) => {
    try {
      return readFileSync(resolve(cli.cwd, file), "utf8").split(/\r?\n/);
    } catch (error) {
      throw new BerthError("cli/usage", messageOf(error), { place: { file }, cause: error });
    }
  });
  return environmentEntries(
    lines.map((line) => line.trimStart()).filter((line) => line !== "" && !line.startsWith("#")),
    cli.env,
  );
}
