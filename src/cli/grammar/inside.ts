import { Option } from "commander";
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
  declare(
    grammar,
    "run <SERVICE> [COMMAND] [ARGS...]",
    "run a command in a new container of a service",
    (command) =>
      command
        .passThroughOptions()
        .option("--build", "build the image first")
        .option("--cap-add <capability>", "add a capability; may be given several times", many)
        .option("--cap-drop <capability>", "drop a capability; may be given several times", many)
        .option("-d, --detach", "leave it running and print the container's id")
        .option("--entrypoint <command>", "instead of the image's")
        .option("-e, --env <var>", "set a variable; may be given several times", many)
        .option("--env-from-file <file>", "set the variables of a file; may be given several times", many)
        .option("-i, --interactive", "keep stdin open (the default)")
        .option("-l, --label <label>", "set a label; may be given several times", many)
        .option("--name <name>", "call the container so")
        .option("-T, --no-tty", "no terminal (the default where stdin or stdout is none)")
        .option("--no-deps", "do not start what the service depends on")
        .option("-p, --publish <ports>", "publish a port; may be given several times", many)
        .addOption(new Option("--pull <policy>", "pull the image first").choices(["always", "missing", "never"]))
        .option("-q, --quiet", "say nothing of what is made or started for it")
        .option("--quiet-build", "do not show what builds print")
        .option("--quiet-pull", "do not show how pulls get on")
        .option("--remove-orphans", "remove containers of services that the file no longer has")
        .option("--rm", "remove the container when it has ended")
        .option("-P, --service-ports", "publish the ports of the service")
        .option("--use-aliases", "take part in the networks under the service's names")
        .option("-u, --user <user>", "as this user")
        .option("-v, --volume <volume>", "mount a volume or a path; may be given several times", many)
        .option("-w, --workdir <dir>", "in this directory")
        .addOption(hidden("-t, --tty"))
        .addOption(hidden("--no-interactive")),
    async () => (await import("../commands/run.ts")).run,
  );
  declare(
    grammar,
    "attach <SERVICE>",
    "this terminal on the main process of a container",
    (command) =>
      command
        .option("--detach-keys <keys>", "the key sequence that detaches")
        .option("--index <n>", "this container of the service", integer)
        .option("--no-stdin", "only its output")
        .option("--sig-proxy", "pass signals on", true)
        .option("--no-sig-proxy", "do not"),
    async () => (await import("../commands/attach.ts")).attach,
  );
  declare(
    grammar,
    "cp <SOURCE> <DESTINATION>",
    "copy between a container and this machine: SERVICE:PATH PATH|-, or PATH|- SERVICE:PATH",
    (command) =>
      command
        .option("--all", "containers of `run`, too")
        .option("-a, --archive", "keep owners")
        .option("-L, --follow-link", "copy what a symbolic link points to")
        .option("--index <n>", "this container of the service", integer),
    async () => (await import("../commands/cp.ts")).cp,
  );
}
