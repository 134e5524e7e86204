import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { BuildPost, WireError } from "../../../api/index.ts";

/** Why a build failed, as people know it: the lines of the Dockerfile around the instruction, then the error and what to do about it. */
export function failureText(error: WireError, post: BuildPost, cwd: string): string {
  const place = error.place && "file" in error.place ? error.place : undefined;
  const where = place?.line === undefined ? "" : `${place.file}:${place.line}`;
  const excerpt = place?.line === undefined ? "" : excerptOf(place.file, place.line, post, cwd);
  const at = where ? `${where}\n` : "";
  const hint = error.hint === undefined ? "" : `\n  ${error.hint}`;
  return `${excerpt ? `${at}${excerpt}\nERROR: ` : `ERROR: ${where ? `${where}: ` : ""}`}failed to build: ${error.message}${hint}`;
}

/** Two lines before and after the one to blame, numbered; "" where the file is not at hand. */
function excerptOf(file: string, line: number, post: BuildPost, cwd: string): string {
  const text = post.dockerfileInline ?? readFrom([post.dockerfile, file].flatMap((name) => paths(name, post.contextDir, cwd)));
  if (text === undefined) return "";
  const lines = text.split("\n");
  if (line > lines.length) return "";
  const [from, to] = [Math.max(1, line - 2), Math.min(lines.length, line + 2)];
  const shown = lines.slice(from - 1, to).map((content, index) => {
    const number = from + index;
    return `${String(number).padStart(4)} | ${number === line ? ">>> " : "    "}${content.trimEnd()}`.trimEnd();
  });
  const rule = "-".repeat(20);
  return [rule, ...shown, rule].join("\n");
}

function paths(name: string | undefined, contextDir: string | undefined, cwd: string): string[] {
  if (name === undefined) return [];
  if (isAbsolute(name)) return [name];
  return [...(contextDir ? [join(contextDir, name)] : []), join(cwd, name)];
}

function readFrom(candidates: readonly string[]): string | undefined {
  const found = candidates.find((path) => existsSync(path));
  return found === undefined ? undefined : readFileSync(found, "utf8");
}
