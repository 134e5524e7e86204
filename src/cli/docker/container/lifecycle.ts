import { EngineError, type Query } from "../../client/index.ts";
import { type Call, command, type DockerCommand, many } from "../command.ts";
import { forEachArgument } from "../each.ts";
import { DockerExit } from "../usage-error.ts";

/** Commands that are one request a container: its name is printed where it worked, the error where not, and the others still go on. */
const stopFlags = `
  -s, --signal string  Signal to send to the container
  -t, --timeout int  Seconds to wait before killing the container
  --time int  (old)
`;

export const stop = each("stop", "Stop one or more running containers", stopFlags, stopQuery);
export const restart = each("restart", "Restart one or more containers", stopFlags, stopQuery);
export const kill = each(
  "kill",
  "Kill one or more running containers",
  "-s, --signal string  Signal to send to the container",
  ({ flags }) => ({
    signal: flags.text("signal") ?? "KILL",
  }),
);
export const pause = each("pause", "Pause all processes within one or more containers", "", () => ({}));
export const unpause = each("unpause", "Unpause all processes within one or more containers", "", () => ({}));

export const rename = command({
  usage: "CONTAINER NEW_NAME",
  about: "Rename a container",
  arity: [2, 2],
  run: async ({ engine, args: [container = "", name = ""] }) => {
    if (container.trim() === "" || name.trim() === "") throw new DockerExit(1, "Error: Neither old nor new names may be empty");
    try {
      await engine.json("POST", `/containers/${encodeURIComponent(container)}/rename`, { query: { name } });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new DockerExit(1, `Error response from daemon: ${error.message}\nError: failed to rename container named ${container}`);
    }
  },
});

export const wait = command({
  usage: "CONTAINER [CONTAINER...]",
  about: "Block until one or more containers stop, then print their exit codes",
  arity: [1, many],
  run: (call) =>
    forEachArgument(call, async (name) => {
      const end = await call.engine.json<{ StatusCode: number }>("POST", `/containers/${encodeURIComponent(name)}/wait`, {
        signal: call.signal,
      });
      return String(end.StatusCode);
    }),
});

export const rm = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Remove one or more containers",
  flags: `
    -f, --force  Force the removal of a running container (uses SIGKILL)
    -l, --link  Remove the specified link
    -v, --volumes  Remove anonymous volumes associated with the container
  `,
  arity: [1, many],
  run: (call) =>
    forEachArgument(call, async (name) => {
      const query = { v: call.flags.on("volumes"), force: call.flags.on("force"), link: call.flags.on("link") };
      try {
        await call.engine.json("DELETE", `/containers/${name.replace(/^\//, "").split("/").map(encodeURIComponent).join("/")}`, { query });
      } catch (error) {
        // With --force a container that is not there is said, and is no failure.
        if (!(query.force && error instanceof EngineError && error.status === 404)) throw error;
        call.printError(`Error response from daemon: ${error.message}`);
        return undefined;
      }
      return name;
    }),
});

function each(action: string, about: string, flags: string, query: (call: Call) => Query): DockerCommand {
  return command({
    usage: `${flags ? "[OPTIONS] " : ""}CONTAINER [CONTAINER...]`,
    about,
    flags,
    arity: [1, many],
    run: (call) =>
      forEachArgument(call, async (name) => {
        await call.engine.json("POST", `/containers/${encodeURIComponent(name)}/${action}`, { query: query(call) });
        return name;
      }),
  });
}

function stopQuery({ flags, printError }: Call): Query {
  if (flags.given("time")) printError("Flag --time has been deprecated, use --timeout instead");
  return { signal: flags.text("signal"), t: flags.int("timeout") ?? flags.int("time") };
}
