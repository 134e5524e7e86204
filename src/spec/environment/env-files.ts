import { readFileSync, statSync } from "node:fs";
import { BerthError, errnoOf, messageOf } from "../../system/error.ts";
import type { Lookup } from "../interpolation/template.ts";
import { parseDotenv } from "./dotenv.ts";

/**
 * Reads environment files, later ones over earlier ones; a variable inside is looked up in `environment` first, then in what was read before it.
 * @throws BerthError spec/env-file
 */
export function readEnvFiles(files: readonly string[], environment: Lookup): Map<string, string> {
  const values = new Map<string, string>();
  for (const file of files) {
    const content = readTextFile(file, "env file");
    parseDotenv(file, content, values, (name) => environment(name) ?? values.get(name));
  }
  return values;
}

/** The text of a file that must be there and be a file. @throws BerthError spec/env-file */
function readTextFile(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const errno = errnoOf(error);
    const why = errno === "ENOENT" ? `there is no such ${what}` : errno === "EISDIR" ? `this ${what} is a directory` : messageOf(error);
    throw new BerthError("spec/env-file", why, { place: { file }, cause: error });
  }
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
