import { ValueError } from "./codec.ts";

/**
 * Splits a command line into words as Compose does, which is less than a shell: quotes and backslashes count, variables do not, and what follows an
 * operator (`&&`, `|`, `;`, `<`, `>`) is no part of the command (mattn/go-shellwords).
 * @throws ValueError
 */
export function shellWords(line: string): { words: string[]; dropped: string } {
  const words: string[] = [];
  let word = "";
  let got = false;
  let quote: '"' | "'" | undefined;
  let back = false;
  let dollar = false;
  let escaped = false;
  for (let index = 0; index < line.length; index++) {
    const char = line.charAt(index);
    if (escaped) {
      word += char;
      escaped = false;
      got = true;
    } else if (char === "\\" && quote !== "'") {
      escaped = true;
    } else if (/[ \t\r\n]/.test(char)) {
      if (quote || back || dollar) word += char;
      else if (got) {
        words.push(word);
        word = "";
        got = false;
      }
    } else if (char === '"' && quote !== "'" && !dollar) {
      quote = quote ? undefined : '"';
      got = true;
    } else if (char === "'" && quote !== '"' && !dollar) {
      quote = quote ? undefined : "'";
      got = true;
    } else if (char === "(" && !quote && !back) {
      if (dollar || !word.endsWith("$")) throw new ValueError(`"${line}" has a parenthesis that means nothing here; quote it`);
      dollar = true;
      word += char;
    } else if (/[;&|<>]/.test(char) && !quote && !back && !dollar) {
      if (char === ">" && /^\d/.test(word)) got = false;
      if (got) words.push(word);
      return { words, dropped: line.slice(index) };
    } else {
      if (char === "`" && !quote && !dollar) back = !back;
      if (char === ")" && !quote && !back) dollar = !dollar;
      word += char;
      got = true;
    }
  }
  if (escaped || quote || back || dollar) throw new ValueError(`"${line}" has a quote without its end`);
  if (got) words.push(word);
  return { words, dropped: "" };
}
