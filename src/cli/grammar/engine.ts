import type { Command } from "commander";
import type { ListenOptions } from "../commands/engine.ts";
import { declare, type Grammar, isDeclared } from "./declare.ts";

/** The engine's process. */
export function declareEngine(all: Grammar): void {
  if (!isDeclared(all, "engine")) return;
  const { program, start } = all;
  const engine = program.command("engine").description("the engine's process: in the foreground, its state, its end");
  const grammar = { program: engine, start };
  declare(
    grammar,
    "run",
    "run the engine here, its log on stderr, until Ctrl-C",
    listening,
    async () => (await import("../commands/engine.ts")).runEngine,
  );
  declare(
    grammar,
    "status",
    "say whether it runs, and how",
    (command) => command.option("--format <format>", "json for programs"),
    async () => (await import("../commands/engine.ts")).engineStatus,
  );
  declare(
    grammar,
    "stop",
    "end it; containers go on, and the next engine adopts them",
    (command) => command,
    async () => (await import("../commands/engine.ts")).stopEngine,
  );
  listening(engine).action(start<ListenOptions>(async () => (await import("../commands/engine.ts")).runEngine));
}

const listening = (command: Command) =>
  command
    .option("--host <address>", "answer on tcp://ADDRESS:PORT, too (with TLS and client certificates)")
    .option("--tlsverify", "only to clients with a certificate; always so over TCP")
    .option("--tlscacert <file>", "the authority of the clients' certificates")
    .option("--tlscert <file>", "the engine's certificate")
    .option("--tlskey <file>", "the engine's key");
