import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { BerthError } from "../system/index.ts";
import { canonicalName, familiarName, parseReference } from "./reference.ts";

test.each([
  ["debian", "docker.io/library/debian:latest", "debian:latest"],
  ["library/debian:12", "docker.io/library/debian:12", "debian:12"],
  ["a/b", "docker.io/a/b:latest", "a/b:latest"],
  ["index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"],
  ["localhost/x:1", "localhost/x:1", "localhost/x:1"],
  ["127.0.0.1:5000/x/y", "127.0.0.1:5000/x/y:latest", "127.0.0.1:5000/x/y:latest"],
])("%s is %s", (text, canonical, familiar) => {
  expect(canonicalName(parseReference(text))).toBe(canonical);
  expect(familiarName(text)).toBe(familiar);
});

test.each(["", "Debian", "a:b:c", "a/", "-a", `${"a".repeat(64)}`, "a@sha256:12", "a b"])("refuses %j", (text) => {
  expect(() => parseReference(text)).toThrow(BerthError);
});

property.prop([fc.string()])("never throws anything but BerthError, and what it reads it prints alike", (text) => {
  try {
    const name = canonicalName(parseReference(text));
    expect(canonicalName(parseReference(name))).toBe(name);
  } catch (error) {
    expect(error).toBeInstanceOf(BerthError);
  }
});
