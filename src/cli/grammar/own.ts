import { Argument, Option } from "commander";
import { declare, type Grammar } from "./declare.ts";

/** Commands about this program and this machine. */
export function declareOwn(grammar: Grammar): void {
  declare(
    grammar,
    "version",
    "show the version",
    (command) => command.option("-f, --format <format>", "pretty or json").option("--short", "only the number"),
    async () => (await import("../commands/version.ts")).version,
  );
  declare(
    grammar,
    "doctor",
    "check this machine: what Berth needs, and what to do where it is missing",
    (command) => command.addOption(new Option("--format <format>", "how").choices(["table", "json"]).default("table")),
    async () => (await import("../commands/doctor.ts")).doctor,
  );
  declare(
    grammar,
    "completion",
    "print the completion for a shell: source <(berth completion bash)",
    (command) => command.addArgument(new Argument("<shell>", "which").choices(["bash", "zsh", "fish"])),
    async () => (await import("../commands/completion.ts")).completion,
  );
}
