import { type Command, Option } from "commander";
import { declare, type Grammar } from "./declare.ts";
import { integer, many, scales } from "./options.ts";

/** Commands that change what runs. */
export function declareChange(grammar: Grammar): void {
  declare(
    grammar,
    "up [SERVICE...]",
    "create and start what the files ask for, and show its output",
    (command) =>
      createOptions(command, ["always", "missing", "never"])
        .option("-d, --detach", "leave it running in the background")
        .option("--abort-on-container-exit", "stop everything when one container ends")
        .option("--abort-on-container-failure", "stop everything when one container fails")
        .option("--always-recreate-deps", "make what depends on something that is made anew anew, too")
        .option("--attach <service>", "show the output of these services only; may be given several times", many)
        .option("--attach-dependencies", "show the output of what the services depend on, too")
        .option("--exit-code-from <service>", "exit with this service's exit code; stops everything when one container ends")
        .option("--menu", "keys to press while it runs in the foreground")
        .option("--no-menu", "no keys but Ctrl-C")
        .addOption(notNegating(new Option("--no-attach <service>", "do not show the output of these services").argParser(many)))
        .option("--no-color", "no colours in the output")
        .option("--no-deps", "leave what the services depend on alone")
        .option("--no-log-prefix", "no prefix before each line")
        .option("--no-start", "create, and start nothing")
        .option("--quiet-build", "do not show what builds print")
        .option("-V, --renew-anon-volumes", "new anonymous volumes instead of those of the former containers")
        .option("-t, --timeout <seconds>", "how long containers have to stop", integer)
        .option("--timestamps", "show when each line was printed")
        .option("--wait", "wait until everything is running or healthy, and detach")
        .option("--wait-timeout <seconds>", "how long to wait at most", integer)
        .option("-w, --watch", "sync, restart or rebuild when files change"),
    async () => (await import("../commands/up.ts")).up,
  );
  declare(
    grammar,
    "down [SERVICE...]",
    "stop and remove containers and networks",
    (command) =>
      command
        .option("--remove-orphans", "remove containers of services that the file no longer has")
        .addOption(
          new Option("--rmi <which>", "remove the images, too: all, or those without a name of their own").choices(["local", "all"]),
        )
        .option("-t, --timeout <seconds>", "how long containers have to stop", integer)
        .option("-v, --volumes", "remove the named volumes of the file and anonymous ones, too"),
    async () => (await import("../commands/down.ts")).down,
  );
  declare(
    grammar,
    "create [SERVICE...]",
    "create containers, and start none",
    (command) => createOptions(command, ["always", "missing", "never", "build"]),
    async () => (await import("../commands/create.ts")).create,
  );
  declare(
    grammar,
    "start [SERVICE...]",
    "start what was stopped",
    (command) =>
      command
        .option("--wait", "wait until everything is running or healthy")
        .option("--wait-timeout <seconds>", "how long to wait at most", integer),
    async () => (await import("../commands/service-action.ts")).start,
  );
  declare(
    grammar,
    "stop [SERVICE...]",
    "stop containers, and keep them",
    (command) => command.option("-t, --timeout <seconds>", "how long containers have to stop", integer),
    async () => (await import("../commands/service-action.ts")).stop,
  );
  declare(
    grammar,
    "restart [SERVICE...]",
    "stop and start containers",
    (command) =>
      command
        .option("--no-deps", "leave what depends on the services alone")
        .option("-t, --timeout <seconds>", "how long containers have to stop", integer),
    async () => (await import("../commands/service-action.ts")).restart,
  );
  declare(
    grammar,
    "kill [SERVICE...]",
    "send containers a signal, SIGKILL where none is given",
    (command) =>
      command
        .option("--remove-orphans", "kill and remove containers of services that the file no longer has, too")
        .option("-s, --signal <signal>", "which signal", "SIGKILL"),
    async () => (await import("../commands/service-action.ts")).kill,
  );
  declare(
    grammar,
    "rm [SERVICE...]",
    "remove stopped containers",
    (command) =>
      command
        .option("-f, --force", "do not ask")
        .option("-s, --stop", "stop them first")
        .option("-v, --volumes", "remove their anonymous volumes, too"),
    async () => (await import("../commands/rm.ts")).rm,
  );
  declare(
    grammar,
    "pause [SERVICE...]",
    "freeze containers",
    (command) => command,
    async () => (await import("../commands/service-action.ts")).pause,
  );
  declare(
    grammar,
    "unpause [SERVICE...]",
    "let them go on",
    (command) => command,
    async () => (await import("../commands/service-action.ts")).unpause,
  );
  declare(
    grammar,
    "scale <SERVICE=NUMBER...>",
    "run so many containers of a service",
    (command) => command.option("--no-deps", "leave what the services depend on alone"),
    async () => (await import("../commands/scale.ts")).scale,
  );
  declare(
    grammar,
    "wait <SERVICE...>",
    "wait until containers have ended; exits with the exit code",
    (command) => command.option("--down-project", "take the project down when the first one ends"),
    async () => (await import("../commands/wait.ts")).wait,
  );
}

/** What `up` and `create` share. */
function createOptions(command: Command, pull: readonly string[]): Command {
  return command
    .option("--build", "build images first")
    .option("--no-build", "build nothing, even where the policy says so")
    .option("--force-recreate", "make all containers anew")
    .option("--no-recreate", "make no container anew that is there")
    .addOption(new Option("--pull <policy>", "pull images first").choices(pull))
    .option("--quiet-pull", "do not show how pulls get on")
    .option("--remove-orphans", "remove containers of services that the file no longer has")
    .option("--scale <service=number>", "run so many containers of a service; may be given several times", scales)
    .option("-y, --yes", "answer yes to every question (Berth asks none here)");
}

/** An option of its own that happens to begin with "no-". */
function notNegating(option: Option): Option {
  option.negate = false;
  return option;
}
