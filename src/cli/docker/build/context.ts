import { createWriteStream, existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { BuildPost } from "../../../api/index.ts";
import type { Call } from "../command.ts";
import { DockerExit } from "../usage-error.ts";

type ContextFields = Pick<BuildPost, "contextDir" | "contextTarFile" | "remote" | "dockerfile" | "dockerfileName" | "dockerfileInline">;

/**
 * Where a build takes its files and its Dockerfile from: a directory, a URL, or standard input (a tar, or a Dockerfile alone). What comes
 * through a pipe goes into `scratch`, which the engine can read too.
 */
export async function buildContext(call: Call, scratch: string): Promise<ContextFields> {
  const { args, cwd, flags } = call;
  const [where = ""] = call.args;
  const file = flags.text("file");
  if (where === "-" && file === "-")
    throw new DockerExit(1, "ERROR: invalid argument: can't use stdin for both build context and dockerfile");
  if (where === "-") return await fromInput(call, scratch, file);
  const dockerfile = await dockerfileOf(call, file);
  if (isRemote(where)) return { remote: where, ...(file === undefined || file === "-" ? dockerfile : { dockerfile: file }) };
  const contextDir = resolve(cwd, where);
  if (!existsSync(contextDir)) throw new DockerExit(1, `ERROR: unable to prepare context: path ${JSON.stringify(args[0])} not found`);
  if (!statSync(contextDir).isDirectory())
    throw new DockerExit(1, `ERROR: unable to prepare context: ${JSON.stringify(args[0])} is not a directory`);
  return { contextDir, ...dockerfile };
}

/** -f is a path of the caller's, not of the context. */
async function dockerfileOf(call: Call, file: string | undefined): Promise<ContextFields> {
  if (file === undefined || file === "") return {};
  if (file === "-") return { dockerfileInline: (await readAll(call)).toString() };
  // Docker falls back to a path below the context.
  const [where = ""] = call.args;
  const candidates = [resolve(call.cwd, file), join(resolve(call.cwd, where), file)];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) throw new DockerExit(1, `ERROR: failed to read dockerfile: open ${file}: no such file or directory`);
  return { dockerfile: found, dockerfileName: file };
}

async function fromInput(call: Call, scratch: string, file: string | undefined): Promise<ContextFields> {
  const target = join(scratch, "input");
  if (call.stdin.isTTY) call.printError("reading the build context from standard input (Ctrl-D ends it)");
  await pipeline(call.stdin, createWriteStream(target, { mode: 0o600 }));
  const head = readFileSync(target).subarray(0, 512);
  const packed =
    /^(1f8b|425a68|fd377a58|28b52ffd)/.test(head.subarray(0, 4).toString("hex")) || head.subarray(257, 262).toString() === "ustar";
  if (packed) return { contextTarFile: target, ...(file ? { dockerfile: file } : {}) };
  return { dockerfileInline: readFileSync(target, "utf8") };
}

async function readAll({ stdin }: Call): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function isRemote(text: string): boolean {
  return /^(https?:\/\/|git:\/\/|git@|ssh:\/\/|github\.com\/)/.test(text);
}
