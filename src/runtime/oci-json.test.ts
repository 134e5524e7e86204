import { expect, test } from "vitest";
import { ociJson } from "./oci-json.ts";

test("no limit is written as the kernel's own number, also when the document was read back", () => {
  const text = ociJson({ rlimits: [{ type: "RLIMIT_CORE", soft: Number.MAX_SAFE_INTEGER, hard: Number.MAX_SAFE_INTEGER }] });
  expect(text).toBe('{"rlimits":[{"type":"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615}]}');
  expect(ociJson(JSON.parse(text))).toBe(text);
});

test("what a command says stays as it is", () => {
  const args = ['"soft":9007199254740991', '{"hard":18446744073709552000}'];
  expect(JSON.parse(ociJson({ args, soft: 5 }))).toEqual({ args, soft: 5 });
});
