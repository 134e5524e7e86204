import { declare, type Grammar } from "./declare.ts";
import { many } from "./options.ts";

/** Commands that change nothing. */
export function declareLook(grammar: Grammar): void {
  declare(
    grammar,
    "ps [SERVICE...]",
    "list containers",
    (command) =>
      command
        .option("-a, --all", "stopped containers too, and those of `run`")
        .option("--filter <filter>", "only what has this property (status=...)", many)
        .option("--format <format>", "table or json")
        .option("--no-trunc", "show ids and commands in full")
        .option("-q, --quiet", "only ids")
        .option("--services", "only names of services")
        .option("--status <status>", "only containers in this state; may be given several times", many),
    async () => (await import("../commands/ps.ts")).ps,
  );
}
