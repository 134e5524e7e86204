/** What `${` opened, from the name to the closing brace: every modifier of the Dockerfile reference. */
export function substitute(lexer: SubstitutionCursor): string {
  const first = lexer.chars[lexer.at];
  if (first === undefined) throw lexer.error("syntax error: missing '}'");
  if (first === "{" || first === "}" || first === ":") throw lexer.error("syntax error: bad substitution");
  const name = lexer.name();
  let modifier = lexer.chars[lexer.at++];
  if (modifier === "}") return lexer.plain(name, `\${${name}}`);
  if (modifier === undefined) throw lexer.error("syntax error: missing '}'");
  if (modifier === "/") return replace(lexer, name);
  const emptyCounts = modifier === ":";
  if (emptyCounts) modifier = lexer.chars[lexer.at++];
  const written = (emptyCounts ? ":" : "") + (modifier ?? "");
  if (!modifier || !"+-?#%".includes(modifier) || (emptyCounts && "#%".includes(modifier))) {
    throw lexer.error(`unsupported modifier (${written}) in substitution`);
  }
  const word = lexer.until("}", modifier === "#" || modifier === "%").text;
  const value = lexer.value(name);
  const missing = value === undefined || (emptyCounts && value === "");
  switch (modifier) {
    case "-":
      return missing ? word : value;
    case "+":
      return missing ? "" : word;
    case "?":
      if (!missing) return value;
      throw lexer.error(`${name}: ${word || `not allowed to be ${value === undefined ? "unset" : "empty"}`}`);
    default:
      return trim(value ?? "", word, modifier === "#");
  }
}

/** The part of the word lexer that a substitution moves. */
export interface SubstitutionCursor {
  readonly chars: readonly string[];
  at: number;
  readonly lookup: (name: string) => string | undefined;
  name(): string;
  plain(name: string, written: string): string;
  value(name: string): string | undefined;
  until(stop: string, keepEscapes?: boolean): { text: string };
  error(message: string): Error;
}

function replace(lexer: SubstitutionCursor, name: string): string {
  const all = lexer.chars[lexer.at] === "/";
  if (all) lexer.at++;
  const pattern = lexer.until("/", true).text;
  const replacement = lexer.until("}", true).text.replace(/\\([/}\\])/g, "$1");
  const value = lexer.value(name) ?? "";
  const expression = new RegExp(patternSource(pattern, true), all ? "gs" : "s");
  // Go's ReplaceAllString gives `$1` a meaning in a replacement of all; a single replacement is literal.
  if (!all) return value.replace(expression, () => replacement);
  return value.replace(expression, (match) =>
    replacement.replace(/\$(\{\w+\}|\w+)/g, (_, group) => (/^\{?0\}?$/.test(group) ? match : "")),
  );
}

/** `${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`: a doubled sign takes the longest match. */
function trim(value: string, word: string, prefix: boolean): string {
  const greedy = word[0] === (prefix ? "#" : "%");
  const pattern = greedy ? word.slice(1) : word;
  const expression = new RegExp(prefix ? `^${patternSource(pattern, greedy)}` : `^${patternSource(pattern, true)}$`, "s");
  if (prefix) return value.replace(expression, "");
  // A suffix: look for the start nearest to the end, or nearest to the beginning.
  for (let step = 0; step <= value.length; step++) {
    const start = greedy ? step : value.length - step;
    if (expression.test(value.slice(start))) return value.slice(0, start);
  }
  return value;
}

/** A shell pattern (`*`, `?`, backslash escapes; no brackets) as the source of a regular expression. */
function patternSource(pattern: string, greedy: boolean): string {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!;
    if (char === "*") source += greedy ? ".*" : ".*?";
    else if (char === "?") source += ".";
    else source += (char === "\\" && at + 1 < pattern.length ? pattern[++at]! : char).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  }
  return source;
}
