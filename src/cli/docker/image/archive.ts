import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { BerthError } from "../../../system/error.ts";
import { type Call, command } from "../command.ts";

interface Progress {
  readonly stream?: string;
  readonly status?: string;
  readonly error?: string;
}

export const load = command({
  usage: "[OPTIONS]",
  about: "Load an image from a tar archive or STDIN",
  flags: `
    -i, --input string  Read from tar archive file, instead of STDIN
    -q, --quiet  Suppress the load output
  `,
  run: async (call) => {
    const { flags, stdin, cwd } = call;
    const file = flags.text("input");
    if (file === undefined && stdin.isTTY)
      throw new BerthError("cli/usage", "requested load from stdin, but stdin is empty", {
        hint: "Give an archive with --input, or through a pipe.",
      });
    const body = file === undefined ? stdin : createReadStream(resolve(cwd, file));
    await show(call, "/images/load", { query: { quiet: flags.on("quiet") }, body });
  },
});

export const bootstrap = command({
  usage: "[OPTIONS] NAME:TAG",
  about: "Make a base image from the distribution's own packages (Berth's own command; debian:SUITE[-slim] and ubuntu:SUITE)",
  flags: "-q, --quiet  Say nothing but errors",
  arity: [1, 1],
  run: async (call) => show(call, "/images/bootstrap", { query: { ref: call.args[0] } }),
});

/** Prints what the engine tells of its work; fails with the error that it ends with. */
async function show(call: Call, path: string, o: { query: Record<string, string | boolean | undefined>; body?: object }): Promise<void> {
  for await (const line of call.engine.lines<Progress>("POST", path, { ...o, signal: call.signal })) {
    if (line.error !== undefined) throw new BerthError("image/bad-archive", line.error);
    const text = line.stream ?? (line.status === undefined ? "" : `${line.status}\n`);
    if (!call.flags.on("quiet")) call.stdout.write(text);
  }
}
