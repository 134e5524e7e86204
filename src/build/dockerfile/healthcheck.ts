import { goDurationFault, type HealthConfig, parseGoDuration } from "../../api/index.ts";
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
    const nanoseconds = parseGoDuration(value);
    if (nanoseconds === undefined) throw new Error(goDurationFault(value));
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
