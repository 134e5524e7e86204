import { join } from "node:path";
import { hasEnded } from "../../system/index.ts";
import { EngineClient } from "../client/index.ts";
import { engineAnswers, requireRoot, spawnEngine } from "../engine-process.ts";
import type { Invocation } from "../invocation.ts";
import { usageError } from "../invocation.ts";

/** The options of `berth engine`. */
export interface ListenOptions {
  readonly host?: string;
  readonly tlsverify?: boolean;
  readonly tlscacert?: string;
  readonly tlscert?: string;
  readonly tlskey?: string;
}

interface EngineState {
  readonly Pid: number;
  readonly Version: string;
  readonly StartedAt: string;
  readonly Root: string;
  readonly Run: string;
  readonly Running: number;
  readonly Warnings: readonly string[];
  readonly MemoryBytes: number;
}

/** `berth engine`: the engine in this terminal. Answers the engine's own exit code. */
export async function runEngine(cli: Invocation, args: readonly string[], options: ListenOptions = {}): Promise<number> {
  if (args.length > 0) throw usageError(`unknown command "engine ${args[0]}"`, "There are: engine, engine status, engine stop.");
  requireRoot("the engine has to be root to make namespaces, mounts and bridges");
  const { host, tlsverify, ...files } = options;
  const listen = [
    ...(host ? ["--host", host] : []),
    ...(tlsverify ? ["--tlsverify"] : []),
    ...(["tlscacert", "tlscert", "tlskey"] as const).flatMap((name) => (files[name] ? [`--${name}`, files[name]] : [])),
  ];
  const child = spawnEngine(cli, { args: ["--foreground", ...listen], stdio: "inherit" });
  // A terminal sends Ctrl-C to both; the engine ends in order, and this process only waits for it.
  cli.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Exit code 0 where an engine answers, 1 where none does. */
export async function engineStatus(cli: Invocation, _: readonly string[], options: { format?: string }): Promise<number> {
  if (options.format !== undefined && options.format !== "json") throw usageError(`unknown format "${options.format}"`, "There is: json.");
  if (!(await engineAnswers(cli.paths.socket))) {
    cli.print(options.format === "json" ? JSON.stringify({ Running: false }) : `No engine runs at ${cli.paths.socket}.`);
    return 1;
  }
  const state = await new EngineClient(cli.paths.socket).json<EngineState>("GET", "/engine");
  if (options.format === "json") {
    cli.print(JSON.stringify(state));
    return 0;
  }
  const rows: [string, string][] = [
    ["pid", String(state.Pid)],
    ["version", state.Version],
    ["since", state.StartedAt],
    ["socket", cli.paths.socket],
    ["root", state.Root],
    ["containers", `${state.Running} running`],
    ["memory", `${Math.round(state.MemoryBytes / 1024 / 1024)} MB`],
    ...state.Warnings.map((warning): [string, string] => ["warning", warning]),
  ];
  for (const [name, value] of rows) cli.print(`${name.padEnd(11)}${value}`);
  return 0;
}

/** Waits until the engine has gone. Containers go on. */
export async function stopEngine(cli: Invocation): Promise<number> {
  if (!(await engineAnswers(cli.paths.socket))) {
    cli.print(`No engine runs at ${cli.paths.socket}.`);
    return 0;
  }
  const client = new EngineClient(cli.paths.socket);
  const { Pid } = await client.json<EngineState>("GET", "/engine");
  await client.json("POST", "/engine/stop");
  client.close();
  const endMs = Date.now() + 30_000;
  // The socket goes first; what the engine had in the kernel goes while it ends.
  while (!hasEnded(Pid)) {
    if (Date.now() > endMs)
      throw new Error(`the engine at ${cli.paths.socket} does not end; its log is ${join(cli.paths.root, "engine.log")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return 0;
}
