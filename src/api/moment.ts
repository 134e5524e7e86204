import { parseGoDuration } from "./go-duration.ts";

/**
 * A moment as Docker's clients and engine read it (moby api/types/time, GetTimestamp): a Go duration back from now, an RFC 3339 time or a date of which the end may be
 * missing (without a zone: this machine's), or Unix seconds with a fraction. Milliseconds since 1970; undefined for what is none.
 */
export function momentMs(text: string, nowMs: number): number | undefined {
  const backNs = text === "0" ? undefined : parseGoDuration(text);
  if (backNs !== undefined) return nowMs - backNs / 1e6;
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const [, date, hour, rest = "", zone = ""] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d)((?::\d\d(?::\d\d(?:\.\d+)?)?)?))?(Z|[-+]\d\d:\d\d)?$/i.exec(text) ?? [];
  if (date === undefined) return undefined;
  const [, minute = ":00", second = ":00", fraction = ""] = /^(:\d\d)?(:\d\d)?(\.\d+)?$/.exec(rest) ?? [];
  const ms = Date.parse(`${date}T${hour ?? "00"}${minute}${second}${fraction}${zone.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : ms;
}
