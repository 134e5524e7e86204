import { expect, it } from "vitest";
import { pullAgeMs } from "./pull-policy.ts";

it.each([
  ["always", 0],
  ["missing", Number.POSITIVE_INFINITY],
  ["if_not_present", Number.POSITIVE_INFINITY],
  ["daily", 86_400_000],
  ["weekly", 604_800_000],
  ["every_1d12h", 129_600_000],
  ["every_30s", 30_000],
])("an image may be as old as its policy %s says", (policy, age) => expect(pullAgeMs(policy)).toBe(age));

it("says which policy is none", () => expect(() => pullAgeMs("sometimes")).toThrow('"sometimes" is not a pull policy'));
