import { runSession } from "../client/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { nameOf } from "../project-containers.ts";
import { serviceContainer } from "../service-container.ts";

export interface AttachFlags {
  readonly detachKeys?: string;
  readonly index?: number;
  readonly sigProxy: boolean;
  readonly stdin: boolean;
}

/** `berth attach`: this terminal on the main process of a service's container. Exits with its exit code, or with 0 after the detach keys. */
export async function attach(cli: Invocation, args: readonly string[], flags: AttachFlags): Promise<number> {
  const client = await cli.engine();
  const row = await serviceContainer(cli, client, args[0] ?? "", flags.index);
  if (cli.globals.dryRun) {
    cli.print(`would attach to ${nameOf(row)}`);
    return 0;
  }
  const path = `/containers/${row.Id}`;
  const { Config, State } = await client.json<{
    Config: { Tty?: boolean; OpenStdin?: boolean };
    State: { Paused: boolean };
  }>("GET", `${path}/json`);
  if (State.Paused) throw usageError(`${nameOf(row)} is paused`, "`berth unpause` lets it go on.");
  const tty = Config.Tty === true;
  const stdin = flags.stdin && Config.OpenStdin === true;
  if (tty && stdin && !cli.stdin.isTTY)
    throw usageError("the input device is not a TTY", "The container has a terminal: attach from one, or with --no-stdin.");
  const connection = await client.hijack(`${path}/attach`, {
    query: { stream: true, stdin, stdout: true, stderr: true, detachKeys: flags.detachKeys },
  });
  const ended = client.json<{ StatusCode: number }>("POST", `${path}/wait`);
  ended.catch(() => {}); // awaited below, unless it is detached from
  const end = await runSession({
    context: cli,
    connection,
    tty,
    stdin,
    detachKeys: flags.detachKeys,
    resize: ({ w, h }) => client.json("POST", `${path}/resize`, { query: { w, h } }),
    ...(flags.sigProxy
      ? { onSignal: (signal: NodeJS.Signals) => client.json("POST", `${path}/kill`, { query: { signal } }) }
      : { signal: cli.signal }),
  });
  if (end === "detached" || cli.signal.aborted) return 0;
  return (await ended).StatusCode;
}
