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
    { kept: true, files: 3, sizeBytes: 10_240 },
  ],
  [
    { Type: "json-file", Config: { "max-size": "1.5m" } },
    { kept: true, files: 1, sizeBytes: 1_572_864 },
  ],
  [
    { Type: "json-file", Config: { "max-size": "-1" } },
    { kept: true, files: 1 },
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

test.each([{ "max-size": "many" }, { "max-size": "0" }, { "max-size": "1m", "max-file": "0" }])("%j is refused", (options) => {
  expect(() => logKeeping({ Type: "json-file", Config: options as Record<string, string> })).toThrow(/log option max-(size|file)/);
});
