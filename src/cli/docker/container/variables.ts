import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { errnoOf, messageOf } from "../../../system/error.ts";
import type { Call } from "../command.ts";
import { UsageError } from "../usage-error.ts";

/**
 * `--env-file` and `--env`; a name alone is the caller's own variable. Where there is none, a file's line is nothing, and the option takes the variable away that the
 * image or the container has. @throws UsageError
 */
export function environment(call: Call): string[] {
  return [
    ...call.flags.list("env-file").flatMap((file) => fileEntries(file, call)),
    ...call.flags.list("env").map((entry) => resolved(entry, call)[0] ?? entry),
  ];
}

/** `--label-file` and `--label`, in which a name alone is an empty label. @throws UsageError */
export function labels(call: Call): Record<string, string> {
  const entries = [...call.flags.list("label-file").flatMap((file) => fileEntries(file, call)), ...call.flags.list("label")];
  return Object.fromEntries(entries.map((text) => [text.split("=")[0] ?? "", text.split("=").slice(1).join("=")]));
}

function resolved(entry: string, { env }: Call): string[] {
  return entry.includes("=") ? [entry] : env[entry] === undefined ? [] : [`${entry}=${env[entry]}`];
}

/** Lines of a file of variables or labels: blank ones and comments count nothing, and nothing is unquoted (docker/cli opts/file.go). */
function fileEntries(file: string, call: Call): string[] {
  const invalid = (why: string) => new UsageError(`invalid env file (${file}): ${why}`);
  return textOf(file, call)
    .split("\n")
    .map((line) => line.trimStart().replace(/\r$/, ""))
    .filter((line) => line && !line.startsWith("#"))
    .flatMap((line) => {
      const [name = ""] = line.split("=");
      if (name === "") throw invalid(`no variable name on line '${line}'`);
      if (/\s/.test(name)) throw invalid(`variable '${name}' contains whitespaces`);
      return resolved(line, call);
    });
}

function textOf(file: string, { cwd }: Call): string {
  let data: Buffer;
  try {
    data = readFileSync(resolve(cwd, file));
  } catch (error) {
    throw new UsageError(`open ${file}: ${errnoOf(error) === "ENOENT" ? "no such file or directory" : messageOf(error)}`);
  }
  const text = data.toString("utf8").replace(/^\uFEFF/, "");
  const bad = text.split("\n").findIndex((line) => line.includes("\uFFFD"));
  if (bad < 0) return text;
  const line = data.toString("latin1").split("\n")[bad] ?? "";
  throw new UsageError(
    `invalid env file (${file}): invalid utf8 bytes at line ${bad + 1}: [${[...line].map((one) => one.charCodeAt(0)).join(" ")}]`,
  );
}
