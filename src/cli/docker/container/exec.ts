import { runSession } from "../../client/index.ts";
import { command } from "../command.ts";
import { DockerExit } from "../usage-error.ts";
import { createChecks } from "./option-checks.ts";
import { checkTerminal } from "./terminal.ts";
import { environment } from "./variables.ts";

export const exec = command({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  about: "Execute a command in a running container",
  flags: `
    -d, --detach  Detached mode: run command in the background
    --detach-keys string  Override the key sequence for detaching a container
    -e, --env list...  Set environment variables
    --env-file list...  Read in a file of environment variables
    -i, --interactive  Keep STDIN open even if not attached
    --privileged  Give extended privileges to the command
    -t, --tty  Allocate a pseudo-TTY
    -u, --user string  Username or UID (format: "<name|uid>[:<group|gid>]")
    -w, --workdir string  Working directory inside the container
  `,
  arity: [2, Number.POSITIVE_INFINITY],
  interspersed: false,
  checks: { env: createChecks["env"] ?? (() => undefined) },
  run: async (call) => {
    const { engine, flags, args } = call;
    const [container = "", ...words] = args;
    const [tty, detach, interactive] = [flags.on("tty"), flags.on("detach"), flags.on("interactive")];
    checkTerminal(call, { tty, stdin: interactive && !detach });
    const { Id } = await engine.json<{ Id: string }>("POST", `/containers/${encodeURIComponent(container)}/exec`, {
      body: {
        Cmd: words,
        Tty: tty,
        AttachStdin: interactive && !detach,
        AttachStdout: !detach,
        AttachStderr: !detach,
        Detach: detach,
        Env: environment(call),
        User: flags.text("user") ?? "",
        WorkingDir: flags.text("workdir") ?? "",
        Privileged: flags.on("privileged"),
        DetachKeys: flags.text("detach-keys") ?? "",
      },
    });
    if (detach) {
      await engine.json("POST", `/exec/${Id}/start`, { body: { Detach: true, Tty: tty } });
      return 0;
    }
    const connection = await engine.hijack(`/exec/${Id}/start`, { body: { Detach: false, Tty: tty } });
    const resize = (size: { w: number; h: number }) => engine.json("POST", `/exec/${Id}/resize`, { query: size });
    const how = await runSession({ context: call, connection, tty, stdin: interactive, resize, detachKeys: flags.text("detach-keys") });
    if (how === "detached") throw new DockerExit(1, "read escape sequence");
    return (await engine.json<{ ExitCode: number | null }>("GET", `/exec/${Id}/json`)).ExitCode ?? 0;
  },
});
