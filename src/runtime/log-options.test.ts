import { expect, test } from "vitest";
import { logKeeping } from "./log-options.ts";

test.each([
  [undefined, { kept: true, files: 1 }],
  [
    { Type: "json-file", Config: {} },
    { kept: true, files: 1 },
  ],
  [
    { Type: "json-file", Config: { "max-size": "10k", "max-file": "3" } },
    { kept: true, files: 3, sizeBytes: 10_000 },
  ],
  [
    { Type: "json-file", Config: { "max-size": "1.5m" } },
    { kept: true, files: 1, sizeBytes: 1_500_000 },
  ],
  [
    { Type: "json-file", Config: { "max-file": "2" } },
    { kept: true, files: 2 },
  ],
  [
    { Type: "local", Config: {} },
    { kept: true, files: 5, sizeBytes: 20 * 1024 * 1024 },
  ],
  [
    { Type: "none", Config: {} },
    { kept: false, files: 8, sizeBytes: 16 * 1024 * 1024 },
  ],
])("%j is %j", (config, expected) => {
  expect(logKeeping(config)).toEqual(expected);
});

// What dockerd 28.5 answers to the start of such a container.
test.each<[string, Record<string, string>, string]>([
  ["json-file", { "max-size": "many" }, "invalid size: 'many'"],
  ["json-file", { "max-size": "-1" }, "invalid size: '-1'"],
  ["json-file", { "max-size": "0" }, "max-size must be a positive number"],
  ["json-file", { "max-size": "1m", "max-file": "0" }, "max-file cannot be less than 1"],
  ["json-file", { "max-file": "x" }, 'strconv.Atoi: parsing "x": invalid syntax'],
  ["json-file", { compress: "x" }, 'strconv.ParseBool: parsing "x": invalid syntax'],
  ["json-file", { compress: "true" }, "compress cannot be true when max-file is less than 2 or max-size is not set"],
  ["json-file", { tag: "{{.Name" }, "template: log-tag:1: unclosed action"],
  ["local", { "max-size": "x" }, "invalid value for max-size: x: invalid size: 'x'"],
  ["local", { "max-file": "1" }, "compression cannot be enabled when max file count is 1"],
  ["local", { compress: "x" }, 'error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax'],
  ["gelf", { "gelf-address": "udp://127.0.0.1:1" }, "this engine has no gelf log driver"],
])("%s with %j does not start", (Type, Config, message) => {
  expect(() => logKeeping({ Type, Config })).toThrow(
    `failed to create task for container: failed to initialize logging driver: ${message}`,
  );
});
