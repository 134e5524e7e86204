import { BerthError } from "../system/index.ts";

const unitSeconds = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, "\u00b5s": 1e-6, ns: 1e-9 } as const;
const durations = /^(\d+(\.\d+)?(h|ms|m|s|us|\u00b5s|ns))+$/;

/**
 * A moment as the API takes it, which clients work out: seconds since 1970, for "42m" and "1h30m" back from now, and for a date with or without its time (of
 * this machine's zone). @throws BerthError cli/usage
 */
export function moment(text: string | undefined, nowMs: number): string | undefined {
  if (!text || /^-?\d+(\.\d+)?$/.test(text)) return text;
  if (durations.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|us|\u00b5s|ns|h|m|s)/g)];
    const seconds = parts.reduce((sum, part) => sum + Number(part[1]) * unitSeconds[part[2] as keyof typeof unitSeconds], 0); // the pattern allows no other unit
    return seconds3(nowMs / 1000 - seconds);
  }
  // A date alone is read as one of this zone, as one with a time is.
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(/^[\d-]+$/.test(text) ? `${text}T00:00:00` : text) : Number.NaN;
  if (Number.isNaN(atMs)) throw new BerthError("cli/usage", `failed to parse value as time or duration: "${text}"`);
  return seconds3(atMs / 1000);
}

const seconds3 = (seconds: number) => seconds.toFixed(3);
