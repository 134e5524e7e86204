import type { ExecCreateBody } from "../../api/index.ts";
import { type EngineClient, runSession } from "../client/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { nameOf } from "../project-containers.ts";
import { serviceContainer } from "../service-container.ts";

export interface ExecOptions {
  readonly detach?: boolean;
  readonly detachKeys?: string;
  readonly env?: readonly string[];
  readonly index?: number;
  /** false: --no-interactive. */
  readonly interactive?: boolean;
  readonly privileged?: boolean;
  /** false: -T. */
  readonly tty: boolean;
  readonly user?: string;
  readonly workdir?: string;
}

/** A shell that most images have: the first that exists is used. */
const anyShell = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"];

/**
 * `berth exec`: a command in the running container of a service, with this terminal where there is one. Exits with the command's exit code;
 * 127 where there is no such command, 126 where it cannot be executed.
 */
export async function exec(cli: Invocation, args: readonly string[], options: ExecOptions): Promise<number> {
  const [service = "", ...words] = args;
  const client = await cli.engine();
  const container = await serviceContainer(cli, client, service, options.index);
  const tty = options.tty && !options.detach && cli.stdin.isTTY === true && cli.stdout.isTTY === true;
  if (words.length === 0 && !tty)
    throw usageError("there is no command to run", "Without a command, `berth exec` opens a shell, which takes a terminal.");
  if (cli.globals.dryRun) {
    cli.print(`would run ${JSON.stringify(words)} in ${nameOf(container)}`);
    return 0;
  }
  const stdin = !options.detach && options.interactive !== false;
  const body: ExecCreateBody = {
    AttachStdin: stdin,
    AttachStdout: !options.detach,
    AttachStderr: !options.detach,
    Tty: tty,
    Cmd: words.length > 0 ? [...words] : anyShell,
    Env: (options.env ?? []).map((entry) => withValue(entry, cli.env)),
    ...(tty ? { ConsoleSize: [cli.stdout.rows ?? 24, cli.stdout.columns ?? 80] } : {}),
    ...(options.privileged ? { Privileged: true } : {}),
    ...(options.user ? { User: options.user } : {}),
    ...(options.workdir ? { WorkingDir: options.workdir } : {}),
    ...(options.detachKeys ? { DetachKeys: options.detachKeys } : {}),
  };
  const { Id } = await client.json<{ Id: string }>("POST", `/containers/${container.Id}/exec`, { body, signal: cli.signal });
  if (options.detach) {
    await client.json("POST", `/exec/${Id}/start`, { body: { Detach: true, Tty: false }, signal: cli.signal });
    return 0;
  }
  return attached(cli, client, Id, { tty, stdin, detachKeys: options.detachKeys });
}

async function attached(
  cli: Invocation,
  client: EngineClient,
  id: string,
  o: { readonly tty: boolean; readonly stdin: boolean; readonly detachKeys: string | undefined },
): Promise<number> {
  const connection = await client.hijack(`/exec/${id}/start`, { body: { Detach: false, Tty: o.tty } });
  const end = await runSession({
    context: cli,
    connection,
    tty: o.tty,
    stdin: o.stdin,
    detachKeys: o.detachKeys,
    resize: ({ w, h }) => client.json("POST", `/exec/${id}/resize`, { query: { w, h } }),
    signal: cli.signal,
  });
  if (end === "detached") return 0;
  if (cli.signal.aborted) return 130;
  const state = await client.json<{ ExitCode: number | null }>("GET", `/exec/${id}/json`);
  return state.ExitCode ?? 0;
}

/** "NAME" alone takes the value that it has here. */
function withValue(entry: string, env: Invocation["env"]): string {
  const value = env[entry];
  return entry.includes("=") || value === undefined ? entry : `${entry}=${value}`;
}
