import type { HostConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

const attributes = ["labels", "labels-regex", "env", "env-regex", "tag"];
/** Names of the options that each of Docker's drivers takes; `none` takes anything. A driver that this engine has not is known by them: the start says so. */
const drivers: Readonly<Record<string, readonly string[] | undefined>> = {
  none: undefined,
  "json-file": ["max-size", "max-file", "compress", ...attributes],
  local: ["max-size", "max-file", "compress"],
  journald: attributes,
  syslog: [
    "syslog-address",
    "syslog-facility",
    "syslog-tls-ca-cert",
    "syslog-tls-cert",
    "syslog-tls-key",
    "syslog-tls-skip-verify",
    "syslog-format",
    ...attributes,
  ],
  gelf: [
    "gelf-address",
    "gelf-compression-level",
    "gelf-compression-type",
    "gelf-tcp-max-reconnect",
    "gelf-tcp-reconnect-delay",
    ...attributes,
  ],
  fluentd: [
    "fluentd-address",
    "fluentd-async",
    "fluentd-async-connect",
    "fluentd-async-reconnect-interval",
    "fluentd-buffer-limit",
    "fluentd-max-retries",
    "fluentd-request-ack",
    "fluentd-retry-wait",
    "fluentd-sub-second-precision",
    "fluentd-write-timeout",
    "fluentd-read-timeout",
    ...attributes,
  ],
  awslogs: undefined,
  splunk: undefined,
};
const required: Readonly<Record<string, readonly [option: string, message: string]>> = {
  gelf: ["gelf-address", "gelf-address is a required parameter"],
  awslogs: ["awslogs-group", "must specify a value for log opt 'awslogs-group'"],
};

/**
 * What a create refuses of `HostConfig.LogConfig`: a driver that Docker does not know, and names of options that the driver has not. Values are looked at when it
 * starts (`logKeeping`). In Docker's words, which clients show. @throws BerthError runtime/bad-option
 */
export function checkLogConfig(config: HostConfig["LogConfig"]): void {
  const driver = config?.Type || "json-file";
  const options = config?.Config ?? {};
  if (!(driver in drivers))
    throw refusal(`error looking up logging plugin ${driver}: plugin "${driver}" not found`, "Berth has json-file, local and none.");
  const { mode, "max-buffer-size": buffer, ...own } = options;
  if (mode && mode !== "blocking" && mode !== "non-blocking") throw refusal(`logger: logging mode not supported: ${mode}`);
  if (buffer !== undefined && mode !== "non-blocking")
    throw refusal("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (buffer !== undefined && !/^\d+(\.\d+)? ?[kmgtp]?(i?b)?$/i.test(buffer))
    throw refusal(`error parsing option max-buffer-size: invalid size: '${buffer}'`);
  const odd = Object.keys(own).find((name) => drivers[driver]?.includes(name) === false);
  if (odd !== undefined)
    throw refusal(
      driver === "local" ? `unknown log opt '${odd}' for log driver local` : `unknown log opt '${odd}' for ${driver} log driver`,
    );
  const [needed, message] = required[driver] ?? [];
  if (needed && message && !own[needed]) throw refusal(message);
}

function refusal(message: string, hint?: string): BerthError {
  return new BerthError("runtime/bad-option", message, hint ? { hint } : {});
}
