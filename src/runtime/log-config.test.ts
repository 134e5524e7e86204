import { expect, test } from "vitest";
import { checkLogConfig } from "./log-config.ts";

// What dockerd 28.5 answers to a create with it.
test.each<[string, Record<string, string>, string]>([
  ["nosuch", {}, 'error looking up logging plugin nosuch: plugin "nosuch" not found'],
  ["", { foo: "x" }, "unknown log opt 'foo' for json-file log driver"],
  ["local", { tag: "x" }, "unknown log opt 'tag' for log driver local"],
  ["gelf", {}, "gelf-address is a required parameter"],
  ["json-file", { mode: "x" }, "logger: logging mode not supported: x"],
  ["json-file", { "max-buffer-size": "1m" }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
  ["json-file", { mode: "non-blocking", "max-buffer-size": "x" }, "error parsing option max-buffer-size: invalid size: 'x'"],
])("%s with %j is refused", (Type, Config, message) => {
  expect(() => checkLogConfig({ Type, Config })).toThrow(message);
});

test.each<[string, Record<string, string>]>([
  ["json-file", { "max-size": "not looked at yet" }],
  ["syslog", { "syslog-address": "udp://127.0.0.1:514" }],
  ["none", { anything: "goes" }],
])("%s with %j is for the start to judge", (Type, Config) => {
  expect(() => checkLogConfig({ Type, Config })).not.toThrow();
});
