/** The rules of one .dockerignore (moby/patternmatcher; not gitignore's): anchored at the context's root, last matching line wins. */
export interface IgnoreRules {
  readonly file: string;
  readonly rules: readonly IgnoreRule[];
}

export interface IgnoreRule {
  readonly line: number;
  readonly text: string;
  /** Cleaned, without the `!`. */
  readonly pattern: string;
  /** `!`: takes back in. */
  readonly negated: boolean;
  readonly expression: RegExp;
  /** Leading components without a wildcard: what a directory is compared with before it is skipped. */
  readonly fixed: readonly string[];
  readonly hasWildcard: boolean;
}

export function parseIgnoreFile(content: string, file: string): IgnoreRules {
  const rules = content
    .replace(/^\uFEFF/, "")
    .split("\n")
    .flatMap((raw, index) => {
      if (raw.startsWith("#")) return [];
      let text = raw.trim();
      const negated = text.startsWith("!");
      if (negated) text = text.slice(1).trim();
      if (text === "") return [];
      const pattern = cleanPattern(text);
      if (pattern === ".") return [];
      const components = pattern.split("/");
      const wild = components.findIndex((component) => /[*?[\\]/.test(component));
      const fixed = wild < 0 ? components : components.slice(0, wild);
      return [
        { line: index + 1, text: raw.trim(), pattern, negated, expression: patternExpression(pattern), fixed, hasWildcard: wild >= 0 },
      ];
    });
  return { file, rules };
}

/** Which rules match a path or one of its parents, given the answer for its parent directory. */
export function matchingRules(rules: IgnoreRules, path: string, ofParent: readonly boolean[]): readonly boolean[] {
  return rules.rules.map((rule, index) => ofParent[index] === true || rule.expression.test(path));
}

/** The rule that decides over a path: it is excluded when there is one and it is not negated. */
export function decidingRule(rules: IgnoreRules, matches: readonly boolean[]): IgnoreRule | undefined {
  return rules.rules[matches.lastIndexOf(true)];
}

/** Whether a `!` rule could take in something below an excluded directory: only then must it be walked. */
export function mayReinclude(rules: IgnoreRules, directory: string): boolean {
  const components = directory.split("/");
  return rules.rules.some((rule) => {
    if (!rule.negated) return false;
    const shared = Math.min(rule.fixed.length, components.length);
    for (let index = 0; index < shared; index++) if (rule.fixed[index] !== components[index]) return false;
    return rule.hasWildcard || rule.fixed.length > components.length;
  });
}

/** filepath.Clean, and one leading slash dropped. */
function cleanPattern(text: string): string {
  const absolute = text.startsWith("/");
  const parts: string[] = [];
  for (const part of text.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || !absolute) parts.push(part);
  }
  return parts.join("/") || ".";
}

export function patternExpression(pattern: string): RegExp {
  let source = "^";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!;
    if (char === "*") {
      if (pattern[at + 1] !== "*") {
        source += "[^/]*";
        continue;
      }
      at++;
      if (pattern[at + 1] === "/") {
        at++;
        source += "(?:.*/)?";
      } else source += ".*";
    } else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) source += "\\[";
      else {
        source += `[${pattern.slice(at + 1, end).replace(/\\?([\]\\[])/g, "\\$1")}]`;
        at = end;
      }
    } else source += (char === "\\" && at + 1 < pattern.length ? pattern[++at]! : char).replace(/[.+^${}()|[\]\\*?/]/g, "\\$&");
  }
  return new RegExp(`${source}$`, "s");
}
