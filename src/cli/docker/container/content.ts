import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { BerthError } from "../../../system/error.ts";
import { copyFromContainer, copyToContainer } from "../../copy/container-copy.ts";
import { parseCopyArgument } from "../../copy/copy-paths.ts";
import { command } from "../command.ts";
import { DockerExit } from "../usage-error.ts";

/** What a container's files are: cp, diff, export, commit. */

export const cp = command({
  usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\ndocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  about: `Copy files/folders between a container and the local filesystem

Use '-' as the source to read a tar archive from stdin
and extract it to a directory destination in a container.
Use '-' as the destination to stream a tar archive of a
container source to stdout.`,
  flags: `
    -a, --archive  Archive mode (copy all uid/gid information)
    -L, --follow-link  Always follow symbol link in SRC_PATH
    -q, --quiet  Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached
  `,
  arity: [2, 2],
  run: async (call) => {
    const { args, engine, flags, stderr } = call;
    const [from, to] = [parseCopyArgument(args[0] ?? ""), parseCopyArgument(args[1] ?? "")];
    if (from.service !== undefined && to.service !== undefined)
      throw new BerthError("cli/usage", "copying between containers is not supported");
    const container = from.service ?? to.service;
    if (container === undefined) throw new BerthError("cli/usage", "must specify at least one container source");
    if (from.service !== undefined && from.path === "")
      throw new DockerExit(1, "Error response from daemon: bad parameter: path cannot be empty");
    await engine.json("GET", `/containers/${encodeURIComponent(container)}/json`);
    if (to.service !== undefined && to.path === "") throw new DockerExit(1, "no such directory");
    // By the name that was given: so do the engine's answers name it.
    const Id = encodeURIComponent(container);
    const options = { archiveMode: flags.on("archive"), followLinks: flags.on("follow-link") };
    try {
      if (from.service !== undefined) await copyFromContainer(engine, Id, from.path, to.path, call, options);
      else await copyToContainer(engine, Id, from.path, to.path, call, options);
    } catch (error) {
      throw error instanceof BerthError && error.code === "cli/usage"
        ? new DockerExit(1, inDockersWords(error.message, args[1] ?? "", from.service !== undefined))
        : error;
    }
    if (stderr.isTTY && !flags.on("quiet") && to.path !== "-") call.printError(`Successfully copied to ${args[1]}`);
  },
});

/** What `berth cp` says of the same mistakes, as Docker's client says it. */
function inDockersWords(message: string, target: string, isFromContainer: boolean): string {
  const [, path = ""] = /: (\/.*)$/s.exec(message) ?? [];
  if (message.startsWith("no such file or directory: ")) return `lstat ${path}: no such file or directory`;
  if (message.startsWith("cannot copy a directory")) return "cannot copy directory";
  if (message.startsWith("no such directory: "))
    return isFromContainer && !/\/\.?$/.test(target) ? `invalid output path: directory "${path}" does not exist` : "no such directory";
  return message.replace(/^destination ".*" must be/s, `destination ${JSON.stringify(target)} must be`);
}

export const diff = command({
  usage: "CONTAINER",
  about: "Inspect changes to files or directories on a container's filesystem",
  arity: [1, 1],
  run: async ({ engine, args: [name = ""], print }) => {
    const list = await engine.json<{ Path: string; Kind: number }[] | null>("GET", `/containers/${encodeURIComponent(name)}/changes`);
    for (const { Path, Kind } of list ?? []) print(`${["C", "A", "D"][Kind] ?? "?"} ${Path}`);
  },
});

export const exportContainer = command({
  usage: "[OPTIONS] CONTAINER",
  about: "Export a container's filesystem as a tar archive",
  flags: "-o, --output string  Write to a file, instead of STDOUT",
  arity: [1, 1],
  run: async ({ engine, flags, args: [name = ""], stdout, cwd, signal }) => {
    const file = flags.text("output");
    if (file === undefined && stdout.isTTY)
      throw new BerthError("cli/usage", "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const stream = await engine.stream("GET", `/containers/${encodeURIComponent(name)}/export`, { signal });
    if (file === undefined) await pipeline(stream, stdout, { end: false });
    else await pipeline(stream, createWriteStream(resolve(cwd, file)));
  },
});

export const commit = command({
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  about: "Create a new image from a container's changes",
  flags: `
    -a, --author string  Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
    -c, --change list...  Apply Dockerfile instruction to the created image
    -m, --message string  Commit message
    -p, --pause  Pause container during commit (default true)
  `,
  arity: [1, 2],
  run: async ({ engine, flags, args: [container = "", name = ""], print }) => {
    const at = name.lastIndexOf(":");
    const tagged = at > name.lastIndexOf("/");
    const made = await engine.json<{ Id: string }>("POST", "/commit", {
      query: {
        container,
        repo: tagged ? name.slice(0, at) : name || undefined,
        tag: tagged ? name.slice(at + 1) : undefined,
        author: flags.text("author"),
        comment: flags.text("message"),
        changes: flags.list("change"),
        pause: flags.on("pause", true),
      },
    });
    print(made.Id);
  },
});
