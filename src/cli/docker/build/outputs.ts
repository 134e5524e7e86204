import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BerthError } from "../../../system/error.ts";
import { write } from "../../client/session.ts";
import type { Call } from "../command.ts";
import { type JsonMessage, showProgress } from "../json-progress.ts";
import { authHeader } from "../registry/auth-header.ts";
import { DockerExit, UsageError } from "../usage-error.ts";
import { fields } from "./options.ts";

/** Where a build's result goes (buildx, --output). `dest` "-" is standard output. */
export type BuildOutput =
  | { readonly type: "image"; readonly names: readonly string[]; readonly push: boolean }
  | { readonly type: "local"; readonly dest: string }
  | { readonly type: "tar"; readonly dest: string }
  | { readonly type: "archive"; readonly format: "docker" | "oci"; readonly dest: string };

/** --output, --push and --load. @throws UsageError */
export function buildOutputs(call: Call): BuildOutput[] {
  const { flags } = call;
  const outputs = flags.list("output").map((text) => parseOutput(text, call));
  if (flags.on("push")) outputs.push({ type: "image", names: [], push: true });
  if (flags.on("load")) outputs.push({ type: "image", names: [], push: false });
  return outputs;
}

function parseOutput(text: string, call: Call): BuildOutput {
  if (!text.includes("=")) return text === "-" ? { type: "tar", dest: "-" } : { type: "local", dest: resolve(call.cwd, text) };
  const given = fields(text);
  const { type, dest } = given;
  const target = dest === undefined || dest === "-" ? dest : resolve(call.cwd, dest);
  const names = given["name"] ? [given["name"]] : [];
  switch (type) {
    case "local":
      if (target === undefined || target === "-") throw new UsageError("dest is required for local output");
      return { type, dest: target };
    case "tar":
      return { type, dest: toPipe(call, target ?? "-") };
    case "oci":
      return { type: "archive", format: "oci", dest: toPipe(call, target ?? "-") };
    case "docker":
      return target === undefined
        ? { type: "image", names, push: false }
        : { type: "archive", format: "docker", dest: toPipe(call, target) };
    case "image":
      return { type: "image", names, push: given["push"] === "true" };
    case "registry":
      return { type: "image", names, push: true };
    case "cacheonly":
      throw new UsageError("output type cacheonly is not supported");
    default:
      throw new UsageError(type === undefined ? "type is required for output" : `unsupported output type: ${type}`);
  }
}

function toPipe(call: Call, dest: string): string {
  if (dest === "-" && call.stdout.isTTY) throw new DockerExit(1, "ERROR: dest file is required: refusing to write to a terminal");
  return dest;
}

/** Writes one output of a finished build. */
export async function runOutput(call: Call, output: BuildOutput, o: { imageId: string; tags: readonly string[] }): Promise<void> {
  switch (output.type) {
    case "image":
      if (!output.push) return;
      if (o.tags.length === 0) throw new DockerExit(1, "ERROR: tag is needed when pushing to registry");
      for (const tag of o.tags) await push(call, tag);
      return;
    case "archive": {
      const names = o.tags.length > 0 ? [...o.tags] : [o.imageId];
      const body = await call.engine.stream("GET", "/images/get", { query: { names, format: output.format }, signal: call.signal });
      return await toDestination(call, body, output.dest);
    }
    case "tar":
      return await toDestination(call, await rootfs(call, o.imageId), output.dest);
    case "local":
      mkdirSync(output.dest, { recursive: true });
      return await unpack(await rootfs(call, o.imageId), output.dest);
    default:
      output satisfies never;
  }
}

function rootfs(call: Call, imageId: string): Promise<Readable> {
  return call.engine.stream("GET", `/images/${imageId}/rootfs`, { signal: call.signal });
}

async function toDestination(call: Call, body: Readable, dest: string): Promise<void> {
  if (dest === "-") for await (const chunk of body as AsyncIterable<Buffer>) await write(call.stdout, chunk);
  else await pipeline(body, createWriteStream(dest));
}

/** Into a directory, where the files belong to the caller as with buildx. */
async function unpack(body: Readable, dest: string): Promise<void> {
  const tar = spawn("tar", ["-xpf", "-", "--no-same-owner", "-C", dest], {
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  let said = "";
  tar.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  const ended = new Promise<number | null>((done, fail) => {
    tar.once("error", fail);
    tar.once("close", done);
  });
  await pipeline(body, tar.stdin).catch(() => undefined); // tar says below why it closed its input
  if ((await ended) !== 0) throw new BerthError("system/command-failed", `tar cannot write to ${dest}: ${said.trim()}`);
}

async function push(call: Call, tag: string): Promise<void> {
  const at = tag.lastIndexOf(":");
  const hasTag = at > tag.lastIndexOf("/");
  const path = `/images/${hasTag ? tag.slice(0, at) : tag}/push`;
  const query = { tag: hasTag ? tag.slice(at + 1) : "latest" };
  const lines = call.engine.lines<JsonMessage>("POST", path, { query, headers: await authHeader(call, tag), signal: call.signal });
  await showProgress(lines, call.stderr);
}
