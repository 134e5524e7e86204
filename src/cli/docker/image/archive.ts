import { createReadStream, createWriteStream, existsSync, type ReadStream, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { BerthError } from "../../../system/error.ts";
import { write } from "../../client/session.ts";
import { type Call, command, many } from "../command.ts";
import { type JsonMessage, showProgress } from "../json-progress.ts";
import { DockerExit } from "../usage-error.ts";
import { platformQuery } from "./platform.ts";

export const load = command({
  usage: "[OPTIONS]",
  about: "Load an image from a tar archive or STDIN",
  flags: `
    -i, --input string  Read from tar archive file, instead of STDIN
    --platform string  Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
    -q, --quiet  Suppress the load output
  `,
  run: async (call) => {
    const { flags, stdin } = call;
    const file = flags.text("input");
    if (file === undefined && stdin.isTTY)
      throw new BerthError("cli/usage", "requested load from stdin, but stdin is empty", {
        hint: "Give an archive with --input, or through a pipe.",
      });
    const near = file !== undefined && isOwnEngine(call);
    const body = file === undefined ? stdin : await opened(call, file);
    const query = {
      quiet: flags.on("quiet") || call.stdout.isTTY !== true,
      platform: platformQuery(flags.text("platform")),
      file: near ? resolve(call.cwd, file) : undefined,
    };
    if (near) (body as ReadStream).destroy(); // it can be read: the engine opens it itself
    await showProgress(
      call.engine.lines<JsonMessage>("POST", "/images/load", { query, body: near ? undefined : body, signal: call.signal }),
      call.stdout,
    );
  },
});

export const save = command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  flags: `
    -o, --output string  Write to a file, instead of STDOUT
    --platform string  Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
  `,
  arity: [1, many],
  run: async (call) => {
    const file = call.flags.text("output");
    if (file === undefined && call.stdout.isTTY)
      throw new DockerExit(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    if (file !== undefined && !existsSync(dirname(resolve(call.cwd, file))))
      throw new DockerExit(
        1,
        `failed to save image: invalid output path: stat ${dirname(resolve(call.cwd, file))}: no such file or directory`,
      );
    const query = { names: [...call.args], platform: platformQuery(call.flags.text("platform")) };
    if (file !== undefined) {
      await toFile(resolve(call.cwd, file), async (temporary) => {
        if (isOwnEngine(call)) await call.engine.json("GET", "/images/get", { query: { ...query, file: temporary }, signal: call.signal });
        else {
          const body = await call.engine.stream("GET", "/images/get", { query, signal: call.signal });
          await pipeline(body, createWriteStream(temporary, { mode: 0o600 }));
        }
      });
      return;
    }
    const body = await call.engine.stream("GET", "/images/get", { query, signal: call.signal });
    for await (const chunk of body as AsyncIterable<Buffer>) await write(call.stdout, chunk);
  },
});

export const importImage = command({
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  about: "Import the contents from a tarball to create a filesystem image",
  flags: `
    -c, --change list  Apply Dockerfile instruction to the created image
    -m, --message string  Set commit message for imported image
    --platform string  Set platform if server is multi-platform capable
  `,
  arity: [1, 2],
  run: async (call) => {
    const [source = "", ref] = call.args;
    const remote = /^https?:\/\//.test(source);
    const body = remote ? undefined : source === "-" ? call.stdin : await opened(call, source);
    const query = {
      fromSrc: remote ? source : "-",
      repo: ref,
      message: call.flags.text("message"),
      changes: call.flags.list("change"),
      platform: call.flags.text("platform"),
    };
    await showProgress(call.engine.lines<JsonMessage>("POST", "/images/create", { query, body, signal: call.signal }), call.stdout);
  },
});

export const bootstrap = command({
  usage: "[OPTIONS] NAME:TAG",
  about: "Make a base image from the distribution's own packages (Berth's own command; debian:SUITE[-slim] and ubuntu:SUITE)",
  flags: "-q, --quiet  Say nothing but errors",
  arity: [1, 1],
  run: async (call) => {
    const lines = call.engine.lines<JsonMessage>("POST", "/images/bootstrap", { query: { ref: call.args[0] }, signal: call.signal });
    for await (const line of lines) {
      if (line.error !== undefined) throw new BerthError("image/bootstrap", line.error);
      if (line.status !== undefined && !call.flags.on("quiet")) call.print(line.status);
    }
  },
});

/** Whether the engine is this user's own on this machine, which knows our extensions and sees the same files. */
function isOwnEngine(call: Call): boolean {
  return call.engine.socketPath === call.paths.socket;
}

/** A file of the caller's, opened before anything is sent. */
async function opened(call: Call, file: string): Promise<NodeJS.ReadableStream> {
  const stream = createReadStream(resolve(call.cwd, file), { highWaterMark: 1 << 20 });
  await new Promise<void>((done, fail) => {
    stream.once("open", () => done());
    stream.once("error", (error: NodeJS.ErrnoException) =>
      fail(new BerthError("cli/usage", `open ${file}: ${error.code === "ENOENT" ? "no such file or directory" : error.message}`)),
    );
  });
  return stream;
}

/** Beside the target first: a save that broke off never looks like an archive. */
async function toFile(target: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}`);
  try {
    await fill(temporary);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
