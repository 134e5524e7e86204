import { MeaningError } from "./dockerfile-error.ts";
import type { Pair } from "./instruction.ts";
import { rawWords } from "./word-expansion.ts";

/** The pairs of ENV and LABEL: `name=value ...`, or the old form `name the rest of the line`. Quotes stay for the expansion. */
export function keyValues(keyword: string, text: string, escapeChar: string): { pairs: Pair[]; legacy: boolean } {
  const words = rawWords(text, escapeChar);
  const first = words[0];
  if (first === undefined) throw new Error(`${keyword} requires at least one argument`);
  if (!first.includes("=")) {
    const [, name = "", value] = /^(\S+)\s+([\s\S]+)$/.exec(text) ?? [];
    if (value === undefined) throw new MeaningError(`${keyword} must have two arguments`);
    return { pairs: [{ name, value }], legacy: true };
  }
  const pairs = words.map((word) => {
    const at = word.indexOf("=");
    if (at < 0) throw new MeaningError(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    if (at === 0) throw new Error(`${keyword} names can not be blank`);
    return { name: word.slice(0, at), value: word.slice(at + 1) };
  });
  return { pairs, legacy: false };
}
