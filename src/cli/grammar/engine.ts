import { declare, type Grammar } from "./declare.ts";

/** The engine's process. */
export function declareEngine({ program, start }: Grammar): void {
  const engine = program.command("engine").description("the engine's process: in the foreground, its state, its end");
  const grammar = { program: engine, start };
  declare(
    grammar,
    "run",
    "run the engine here, its log on stderr, until Ctrl-C",
    (command) => command,
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
  engine.action(start<Record<string, never>>(async () => (await import("../commands/engine.ts")).runEngine));
}
