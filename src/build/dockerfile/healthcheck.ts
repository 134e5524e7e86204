import type { HealthConfig } from "../../api/index.ts";
import { readFlags } from "./instruction-flags.ts";
import { jsonForm } from "./json-form.ts";

/** HEALTHCHECK as Docker stores it (durations in nanoseconds). Throws Error. */
export function healthcheck(flags: readonly string[], text: string): HealthConfig {
  const options = readFlags(flags, {
    interval: "text",
    timeout: "text",
    "start-period": "text",
    "start-interval": "text",
    retries: "text",
  });
  const [, type = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  if (type === "") throw new Error("HEALTHCHECK requires at least one argument");
  if (type.toUpperCase() === "NONE") {
    if (rest) throw new Error("HEALTHCHECK NONE takes no arguments");
    return { Test: ["NONE"] };
  }
  if (type.toUpperCase() !== "CMD") throw new Error(`Unknown type "${type}" in HEALTHCHECK (try CMD)`);
  const exec = jsonForm(rest);
  if (exec ? exec.length === 0 : rest === "") throw new Error("Missing command after HEALTHCHECK CMD");
  const check: HealthConfig = { Test: exec ? ["CMD", ...exec] : ["CMD-SHELL", rest] };
  const set = (field: "Interval" | "Timeout" | "StartPeriod" | "StartInterval", flag: string, value: string | undefined) => {
    if (value === undefined) return;
    const nanoseconds = goDuration(value);
    if (nanoseconds === undefined) throw new Error(durationFault(value));
    if (nanoseconds < 0 || (nanoseconds > 0 && nanoseconds < 1e6)) throw new Error(`Interval "${flag}" cannot be less than 1ms`);
    if (nanoseconds > 0) check[field] = nanoseconds;
  };
  set("Interval", "interval", options.interval);
  set("Timeout", "timeout", options.timeout);
  set("StartPeriod", "start-period", options["start-period"]);
  set("StartInterval", "start-interval", options["start-interval"]);
  if (options.retries !== undefined) {
    if (!/^\d+$/.test(options.retries)) throw new Error(`--retries cannot be negative or not a number (${options.retries})`);
    if (Number(options.retries) > 0) check.Retries = Number(options.retries);
  }
  return check;
}

const nanosecondsPer: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };

/** What Go's time.ParseDuration says of a text that it refuses. */
function durationFault(text: string): string {
  const shown = JSON.stringify(text);
  const [number, unit] = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(text)?.slice(1) ?? [];
  if (number === undefined) return `time: invalid duration ${shown}`;
  return unit === "" ? `time: missing unit in duration ${shown}` : `time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`;
}

/** Go's time.ParseDuration, in nanoseconds; undefined for what it refuses. */
export function goDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!match) return undefined;
  let sum = 0;
  for (const [, number, unit] of match[2]!.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    sum += Number(number) * nanosecondsPer[unit!]!;
  return Math.round(match[1] === "-" ? -sum : sum);
}
