import { declare, type Grammar } from "./declare.ts";
import { hidden, integer, many } from "./options.ts";

/** Commands that reach into containers. */
export function declareInside(grammar: Grammar): void {
  declare(
    grammar,
    "exec <SERVICE> [COMMAND] [ARGS...]",
    "run a command in a running container (a shell where none is given)",
    (command) =>
      command
        .passThroughOptions()
        .option("-d, --detach", "do not wait for it")
        .option("-e, --env <var>", "set a variable; may be given several times", many)
        .option("--index <n>", "in this container of the service", integer)
        .option("-T, --no-tty", "no terminal (the default where stdin or stdout is none)")
        .option("--privileged", "with all privileges")
        .option("-u, --user <user>", "as this user")
        .option("-w, --workdir <dir>", "in this directory")
        .option("--detach-keys <keys>", "the key sequence that detaches")
        .addOption(hidden("-t, --tty"))
        .addOption(hidden("-i, --interactive"))
        .addOption(hidden("--no-interactive")),
    async () => (await import("../commands/exec.ts")).exec,
  );
}
