import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { BerthError, errnoOf, messageOf } from "../../../system/error.ts";
import { type Call, command } from "../command.ts";
import { DockerExit } from "../usage-error.ts";
import { defaultContext } from "./current.ts";
import { type ContextFile, checkNewName, hasContext, readContext, type TlsFiles, tlsFiles, writeContext, writeTlsFiles } from "./store.ts";

/** More than any context needs; Docker's own limit. */
const maxBytes = 10 << 20;

export const exportContext = command({
  usage: "[OPTIONS] CONTEXT [FILE|-]",
  about: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
  arity: [1, 2],
  needsEngine: false,
  run: async (call) => {
    const [name = "", target = `${name}.dockercontext`] = call.args;
    const archive = await archiveOf(call, name);
    if (target === "-") {
      if (call.stdout.isTTY) throw new DockerExit(1, "cowardly refusing to export to a terminal, specify a file path");
      call.stdout.write(archive);
      return;
    }
    const file = await open(resolve(call.cwd, target), "wx", 0o600).catch((error: unknown) => {
      const why = { EEXIST: "file exists", ENOENT: "no such file or directory" }[errnoOf(error) ?? ""];
      throw new DockerExit(1, `open ${target}: ${why ?? messageOf(error)}`);
    });
    await file.writeFile(archive);
    await file.close();
    call.printError(`Written file ${JSON.stringify(target)}`);
  },
});

export const importContext = command({
  usage: "CONTEXT FILE|-",
  about: "Import a context from a tar or zip file",
  arity: [2, 2],
  needsEngine: false,
  run: async (call) => {
    const [name = "", source = ""] = call.args;
    checkNewName(name);
    if (hasContext(call.env, name)) throw new DockerExit(1, `context ${JSON.stringify(name)} already exists`);
    const { meta, tls } = await membersOf(source === "-" ? call.stdin : createReadStream(resolve(call.cwd, source)), source);
    let context: Partial<ContextFile>;
    try {
      context = JSON.parse(meta.toString()) as Partial<ContextFile>; // Docker's own file
    } catch (error) {
      throw new DockerExit(1, `meta.json: ${messageOf(error)}`);
    }
    writeContext(call.env, { ...context, Name: name });
    writeTlsFiles(call.env, name, tls);
    call.print(name);
    call.printError(`Successfully imported context ${JSON.stringify(name)}`);
  },
});

/** meta.json, and the endpoint's keys below tls/docker. */
async function archiveOf(call: Call, name: string): Promise<Buffer> {
  const context = name === "default" ? defaultContext(call, call.globals) : readContext(call.env, name);
  const tls = name === "default" ? {} : tlsFiles(call.env, name);
  const archive = pack();
  const mtime = new Date(0);
  archive.entry({ name: "meta.json", mode: 0o644, mtime }, JSON.stringify(context));
  archive.entry({ name: "tls", type: "directory", mode: 0o700, mtime });
  if (Object.keys(tls).length > 0) archive.entry({ name: "tls/docker", type: "directory", mode: 0o700, mtime });
  for (const [file, content] of Object.entries(tls)) archive.entry({ name: `tls/docker/${file}`, mode: 0o600, mtime }, content);
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

/** @throws DockerExit for anything that is not an exported context */
async function membersOf(source: Readable, shown: string): Promise<{ meta: Buffer; tls: TlsFiles }> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new DockerExit(1, "read exceeds the defined limit");
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof DockerExit) throw error;
    throw new DockerExit(1, `open ${shown}: ${errnoOf(error) === "ENOENT" ? "no such file or directory" : messageOf(error)}`);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.subarray(0, 4).toString("latin1") === "PK\x03\x04")
    throw new DockerExit(1, "a zip file is not supported: `docker context export` writes a tar archive");
  const archive = extract();
  const tls: Record<string, Buffer> = {};
  let meta: Buffer | undefined;
  const reading = (async () => {
    for await (const entry of archive) {
      const parts: Buffer[] = [];
      for await (const part of entry as AsyncIterable<Buffer>) parts.push(part);
      const name = entry.header.name.replace(/^\.\//, "");
      if (entry.header.type === "directory") continue;
      const key = /^tls\/docker\/([^/]+)$/.exec(name)?.[1];
      if (name === "meta.json") meta = Buffer.concat(parts);
      else if (key !== undefined && key !== "..") tls[key] = Buffer.concat(parts);
      else throw new DockerExit(1, `${name}: unexpected context file`);
    }
  })();
  try {
    await Promise.all([pipeline(Readable.from([bytes]), archive), reading]);
  } catch (error) {
    if (error instanceof DockerExit || error instanceof BerthError) throw error;
    throw new DockerExit(1, "unexpected EOF");
  }
  if (meta === undefined) throw new DockerExit(1, "invalid context: no metadata found");
  return { meta, tls };
}
