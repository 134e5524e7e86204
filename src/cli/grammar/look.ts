import { Option } from "commander";
import { declare, type Grammar } from "./declare.ts";
import { hidden, integer, many } from "./options.ts";

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
        .option("--format <format>", "table, json, or a Go template")
        .addOption(hidden("--orphans"))
        .option("--no-orphans", "not those of services that the file does not have")
        .option("--no-trunc", "show ids and commands in full")
        .option("-q, --quiet", "only ids")
        .option("--services", "only names of services")
        .option("--status <status>", "only containers in this state; may be given several times", many),
    async () => (await import("../commands/ps.ts")).ps,
  );
  declare(
    grammar,
    "logs [SERVICE...]",
    "show the output of containers",
    (command) =>
      command
        .option("-f, --follow", "go on as it comes")
        .option("--grep <pattern>", "only lines that match this regular expression")
        .option("--index <n>", "only this container of a service", integer)
        .option("--json", "one JSON object a line, for programs")
        .option("--no-color", "no colours")
        .option("--no-log-prefix", "no prefix before each line")
        .option("--since <time>", "from this time on (2026-01-02T13:23:37Z, or 42m for 42 minutes ago)")
        .option("--until <time>", "up to this time")
        .option("-n, --tail <lines>", "how many lines from the end of each container's", "all")
        .option("-t, --timestamps", "show when each line was printed"),
    async () => (await import("../commands/logs.ts")).logs,
  );
  declare(
    grammar,
    "port <SERVICE> <PRIVATE_PORT>",
    "show where a port is published",
    (command) =>
      command
        .option("--index <n>", "this container of the service", integer)
        .addOption(new Option("--protocol <protocol>", "which").choices(["tcp", "udp", "sctp"]).default("tcp")),
    async () => (await import("../commands/port.ts")).port,
  );
  declare(
    grammar,
    "top [SERVICE...]",
    "show running processes",
    (command) => command,
    async () => (await import("../commands/top.ts")).top,
  );
  declare(
    grammar,
    "ls",
    "list projects",
    (command) =>
      command
        .option("-a, --all", "stopped projects too")
        .option("--filter <filter>", "only what has this property (name=...)", many)
        .addOption(new Option("--format <format>", "how").choices(["table", "json"]).default("table"))
        .option("-q, --quiet", "only names"),
    async () => (await import("../commands/ls.ts")).ls,
  );
  declare(
    grammar,
    "events [SERVICE...]",
    "show what happens to containers",
    (command) =>
      command
        .option("--json", "one object a line")
        .option("--since <time>", "from this time on")
        .option("--until <time>", "up to this time"),
    async () => (await import("../commands/events.ts")).events,
  );
  declare(
    grammar,
    "stats [SERVICE...]",
    "show what containers use",
    (command) =>
      command
        .option("-a, --all", "stopped containers too")
        .option("--format <format>", "table, json, or a Go template")
        .option("--no-stream", "once")
        .option("--no-trunc", "show ids in full"),
    async () => (await import("../commands/stats.ts")).stats,
  );
  declare(
    grammar,
    "volumes [SERVICE...]",
    "list volumes",
    (command) => command.option("--format <format>", "table, json, or a Go template", "table").option("-q, --quiet", "only names"),
    async () => (await import("../commands/volumes.ts")).volumes,
  );
}
