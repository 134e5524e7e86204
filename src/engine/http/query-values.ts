import { momentMs } from "../../api/index.ts";
import { BerthError, type ErrorCode } from "../../system/index.ts";

/** Docker's booleans in a query: what is not empty and no word for "no" is true. */
export function flag(query: URLSearchParams, name: string, fallback = false): boolean {
  const value = query.get(name);
  return value === null ? fallback : !["", "0", "no", "false", "none"].includes(value.trim().toLowerCase());
}

/** A whole number, with a sign or without; undefined where there is none. @throws BerthError api/unreadable-value */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw unreadable("Atoi", text);
  return Number(text);
}

/** `h` and `w` of a resize. @throws BerthError api/bad-parameter */
export function terminalSize(query: URLSearchParams): { h: number; w: number } {
  const side = (name: string, word: string) => {
    const text = query.get(name) ?? "";
    const isNumber = /^-?\d+$/.test(text);
    if (!isNumber || Number(text) < 0 || Number(text) > 0xffffffff)
      throw new BerthError("api/bad-parameter", `invalid resize ${word} "${text}": ${isNumber ? "value out of range" : "invalid syntax"}`);
    return Number(text);
  };
  return { h: side("h", "height"), w: side("w", "width") };
}

/** `since` and `until` of logs and events: Unix seconds with a fraction -> milliseconds, with theirs. @throws BerthError api/unreadable-value */
export function unixMs(text: string | null): number | undefined {
  if (!text) return undefined;
  const [seconds = "", fraction = ""] = text.split(/\.(.*)/s);
  for (const part of [seconds, ...(text.includes(".") ? [fraction] : [])]) if (!/^[+-]?\d+$/.test(part)) throw unreadable("ParseInt", part);
  return Number(text) * 1000;
}

/**
 * `until` of a filter, by this machine's clock and in its zone -> milliseconds since the epoch.
 * @throws BerthError `code`, which is not the same everywhere
 */
export function timeMs(text: string, code: ErrorCode = "api/bad-parameter"): number {
  const ms = momentMs(text, Date.now());
  if (ms === undefined) throw new BerthError(code, `failed to parse value as time or duration: "${text}"`);
  return Math.floor(ms);
}

function unreadable(parser: string, text: string): BerthError {
  return new BerthError("api/unreadable-value", `strconv.${parser}: parsing "${text}": invalid syntax`);
}
