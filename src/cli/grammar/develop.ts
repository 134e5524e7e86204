import { Option } from "commander";
import { declare, type Grammar, isDeclared } from "./declare.ts";
import { many } from "./options.ts";

/** Commands around the development loop. */
export function declareDevelop(grammar: Grammar): void {
  declare(
    grammar,
    "init [SERVICE...]",
    "write a compose.yaml for the application here (Node.js, Python, Go, Rails, PHP) and for postgres, mysql, mongo, redis, rabbitmq, kafka, nats, minio",
    (command) => command,
    async () => (await import("../commands/init.ts")).init,
  );
  declare(
    grammar,
    "watch [SERVICE...]",
    "bring changes of the sources into what runs, as develop.watch says",
    (command) =>
      command.option("--no-up", "do not build and start the services first").option("--quiet", "do not show what builds print first"),
    async () => (await import("../commands/watch.ts")).watch,
  );
  declare(
    grammar,
    "diff [SERVICE...]",
    "show what differs between the files and what runs",
    (command) => command.option("--exit-code", "exit with 1 where something differs"),
    async () => (await import("../commands/diff.ts")).diff,
  );
  declare(
    grammar,
    "why <SERVICE>",
    "explain the state of a service: its last exit, its health, its restarts, what it waits for",
    (command) => command,
    async () => (await import("../commands/why.ts")).why,
  );
  declareSnapshots(grammar);
}

/** `berth volume ...`; its other words are Docker's. */
function declareSnapshots(all: Grammar): void {
  if (!isDeclared(all, "volume")) return;
  const { program, start } = all;
  const volume = program.command("volume").description("snapshots of the project's volumes; and Docker's create, ls, inspect, rm, prune");
  const grammar = { program: volume, start };
  declare(
    grammar,
    "snapshot [NAME]",
    "copy the named volumes; what uses them is stopped meanwhile",
    (command) => command.option("--volume <volume>", "only this one; may be given several times", many),
    async () => (await import("../commands/volume-snapshots.ts")).snapshot,
  );
  declare(
    grammar,
    "restore [NAME]",
    "put a copy back, the newest where none is named; what was written since is lost",
    (command) => command,
    async () => (await import("../commands/volume-snapshots.ts")).restore,
  );
  declare(
    grammar,
    "ls-snapshots",
    "list the copies",
    (command) =>
      command
        .addOption(new Option("--format <format>", "how").choices(["table", "json"]).default("table"))
        .option("-q, --quiet", "only names"),
    async () => (await import("../commands/volume-snapshots.ts")).listSnapshots,
  );
  declare(
    grammar,
    "rm-snapshot <NAME...>",
    "remove copies",
    (command) => command,
    async () => (await import("../commands/volume-snapshots.ts")).removeSnapshots,
  );
}
