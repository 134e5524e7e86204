/** Keyword (upper case), flags and the rest of one joined line; used for the text of ONBUILD triggers too. */
export function splitInstruction(joined: string, escapeChar: string): { keyword: string; flags: string[]; text: string } {
  const [, word = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(joined.trim()) ?? [];
  return { keyword: word.toUpperCase(), ...splitFlags(rest.trim(), escapeChar) };
}

/** Takes the leading `--flag[=value]` words off an instruction's text; `--` alone ends them. Quotes and escapes inside a flag are resolved. */
function splitFlags(text: string, escapeChar: string): { flags: string[]; text: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text[at]!)) at++;
    if (!text.startsWith("--", at)) return { flags, text: text.slice(at) };
    let word = "";
    let quote = "";
    for (; at < text.length; at++) {
      const char = text[at]!;
      if (!quote && /\s/.test(char)) break;
      if (char === quote) quote = "";
      else if (!quote && (char === '"' || char === "'")) quote = char;
      else if (char === escapeChar && at + 1 < text.length) word += text[++at];
      else word += char;
    }
    if (word === "--") return { flags, text: text.slice(at).trimStart() };
    flags.push(word);
  }
}
