import { expect, test } from "vitest";
import { restartDelay } from "./restart-policy.ts";

const ended = { exitCode: 1, restartCount: 0, streak: 0, userStopped: false };

test.each([
  ["no policy", undefined, {}, undefined],
  ["no", { Name: "no" }, {}, undefined],
  ["always, after a success", { Name: "always" }, { exitCode: 0 }, 100],
  ["unless-stopped, after a failure", { Name: "unless-stopped" }, {}, 100],
  ["on-failure, after a success", { Name: "on-failure" }, { exitCode: 0 }, undefined],
  ["on-failure, after a failure", { Name: "on-failure" }, {}, 100],
  ["on-failure, as often as it may", { Name: "on-failure", MaximumRetryCount: 2 }, { restartCount: 1, streak: 1 }, 200],
  ["on-failure, once too often", { Name: "on-failure", MaximumRetryCount: 2 }, { restartCount: 2 }, undefined],
  ["always, after an explicit stop", { Name: "always" }, { userStopped: true }, undefined],
] as const)("%s", (_, policy, change, expected) => {
  expect(restartDelay(policy, { ...ended, ...change })).toBe(expected);
});

test("the pause doubles with each failure in a row, up to a minute", () => {
  const delays = [0, 1, 2, 3, 9, 10, 1000].map((streak) => restartDelay({ Name: "always" }, { ...ended, streak }));
  expect(delays).toEqual([100, 200, 400, 800, 51_200, 60_000, 60_000]);
});
