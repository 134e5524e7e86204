import { Patterns } from "../yaml/patterns.ts";
import type { ScalarValue } from "../yaml/tree.ts";

/** Makes a text into the value that an attribute takes, or says what was expected. */
export type Cast = (text: string) => { value: ScalarValue; warning?: string } | { expected: string };

/** Whole number, as Go's strconv.ParseInt reads it. */
const toInteger: Cast = (text) => (/^[-+]?\d+$/.test(text) ? { value: Number(text) } : { expected: "a whole number" });

const toNumber: Cast = (text) => (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? { value: Number(text) } : { expected: "a number" });

export const toBoolean: Cast = (text) => {
  const word = text.toLowerCase();
  if (word === "true" || word === "false") return { value: word === "true" };
  const value = ["y", "yes", "on"].includes(word) ? true : ["n", "no", "off"].includes(word) ? false : undefined;
  if (value === undefined) return { expected: "true or false" };
  return { value, warning: `"${text}" is no boolean of YAML 1.2: write ${value}` };
};

const service: Record<string, Cast> = {
  cpu_count: toInteger,
  cpu_percent: toNumber,
  cpu_period: toInteger,
  cpu_quota: toInteger,
  cpu_rt_period: toInteger,
  cpu_rt_runtime: toInteger,
  cpus: toNumber,
  cpu_shares: toInteger,
  init: toBoolean,
  "deploy.replicas": toInteger,
  "deploy.update_config.parallelism": toInteger,
  "deploy.update_config.max_failure_ratio": toNumber,
  "deploy.rollback_config.parallelism": toInteger,
  "deploy.rollback_config.max_failure_ratio": toNumber,
  "deploy.restart_policy.max_attempts": toInteger,
  "deploy.placement.max_replicas_per_node": toInteger,
  "healthcheck.retries": toInteger,
  "healthcheck.disable": toBoolean,
  oom_kill_disable: toBoolean,
  oom_score_adj: toInteger,
  pids_limit: toInteger,
  "ports.*.target": toInteger,
  privileged: toBoolean,
  read_only: toBoolean,
  scale: toInteger,
  stdin_open: toBoolean,
  tty: toBoolean,
  "ulimits.*": toInteger,
  "ulimits.*.hard": toInteger,
  "ulimits.*.soft": toInteger,
  "volumes.*.read_only": toBoolean,
  "volumes.*.volume.nocopy": toBoolean,
};

const top: Record<string, Cast> = {
  "networks.*.external": toBoolean,
  "networks.*.internal": toBoolean,
  "networks.*.attachable": toBoolean,
  "networks.*.enable_ipv4": toBoolean,
  "networks.*.enable_ipv6": toBoolean,
  "volumes.*.external": toBoolean,
  "secrets.*.external": toBoolean,
  "configs.*.external": toBoolean,
};

/** Attributes whose text becomes a number or a boolean when it is interpolated, before the schema sees it (compose-go, loader/interpolate.go). */
export const casts: Patterns<Cast> = Patterns.of({
  ...top,
  ...Object.fromEntries(Object.entries(service).map(([path, cast]) => [`services.*.${path}`, cast])),
});
