import { dockerfileError } from "./dockerfile-error.ts";

/** What the checks may say: `# check=skip=Rule,...;error=true`. */
export interface CheckDirective {
  readonly skip: readonly string[];
  readonly skipAll: boolean;
  readonly error: boolean;
}

export interface Directives {
  readonly syntax?: string;
  readonly escape: "\\" | "`";
  readonly check?: CheckDirective;
}

/** The parser directives: comments `# name=value` on the very first lines. The first line that is anything else ends them. */
export function parseDirectives(lines: readonly string[], file: string): Directives {
  const found = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const match = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line);
    const name = match?.[1]?.toLowerCase();
    if (!name || !["syntax", "escape", "check"].includes(name)) break;
    if (found.has(name))
      throw dockerfileError({ file, line: index + 1 }, `only one ${name} parser directive can be used`, undefined, "build/instruction");
    found.set(name, match?.[2] ?? "");
  }
  const escapeChar = found.get("escape") ?? "\\";
  if (escapeChar !== "\\" && escapeChar !== "`") {
    throw dockerfileError(
      { file, line: 1 },
      `invalid escape token '${escapeChar}' does not match ` + "` or \\",
      undefined,
      "build/instruction",
    );
  }
  const syntax = found.get("syntax");
  const check = found.get("check");
  return { escape: escapeChar, ...(syntax ? { syntax } : {}), ...(check ? { check: parseCheck(check, file) } : {}) };
}

/** The value of `# check=`, or of the build argument BUILDKIT_DOCKERFILE_CHECK. Throws BerthError `build/dockerfile`. */
export function parseCheck(text: string, file: string): CheckDirective {
  const options = new Map(
    text.split(";").map((part) => [part.split("=")[0]!.trim().toLowerCase(), part.slice(part.indexOf("=") + 1).trim()]),
  );
  const unknown = [...options.keys()].find((name) => !["skip", "error", "experimental"].includes(name));
  if (unknown !== undefined) throw dockerfileError({ file, line: 1 }, `failed to parse check options: invalid check option "${unknown}"`);
  const skip = (options.get("skip") ?? "")
    .split(",")
    .map((rule) => rule.trim())
    .filter(Boolean);
  return { skip, skipAll: skip.includes("all"), error: options.get("error")?.toLowerCase() === "true" };
}
