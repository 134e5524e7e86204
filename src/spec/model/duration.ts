import { goUnitsNs, parseGoDuration } from "../../api/index.ts";
import { ValueError } from "./codec.ts";

/** A day and a week more than Go has (compose-go reads durations with go-str2duration). */
const unitsNs = { ...goUnitsNs, d: 24 * 3600e9, w: 7 * 24 * 3600e9 };

/** `1h30m`, `1.5s`, `2d` in nanoseconds. @throws ValueError */
export function parseDuration(text: string): number {
  const ns = parseGoDuration(text, unitsNs);
  if (ns !== undefined) return ns;
  const hint = /^\d+$/.test(text) ? `; write ${text}s for seconds` : "";
  throw new ValueError(`"${text}" is no duration, such as 1m30s${hint}`);
}

/** As Go prints a duration: `1m30s`, `1.5s`, `200ms`, `24h0m0s`, `0s`. */
export function formatDuration(ns: number): string {
  if (ns === 0) return "0s";
  if (ns < 0) return `-${formatDuration(-ns)}`;
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${decimal(ns, 1e3)}µs`;
  if (ns < 1e9) return `${decimal(ns, 1e6)}ms`;
  const minutes = Math.floor(ns / 60e9);
  const seconds = `${decimal(ns - minutes * 60e9, 1e9)}s`;
  if (minutes === 0) return seconds;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`;
}

/** ns/unit without rounding: at most nine digits after the point. */
function decimal(ns: number, unit: number): string {
  const whole = Math.floor(ns / unit);
  const fraction = String(ns - whole * unit)
    .padStart(Math.round(Math.log10(unit)), "0")
    .replace(/0+$/, "");
  return fraction ? `${whole}.${fraction}` : String(whole);
}
