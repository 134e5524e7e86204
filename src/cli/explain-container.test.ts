import { expect, test } from "vitest";
import type { Container } from "../api/index.ts";
import { exitText, explainContainer } from "./explain-container.ts";

const nowMs = Date.parse("2026-01-01T00:10:00Z");
const state = {
  Status: "running",
  Running: true,
  Paused: false,
  Restarting: false,
  OOMKilled: false,
  ExitCode: 0,
  Error: "",
  StartedAt: "2026-01-01T00:00:00Z",
  FinishedAt: "0001-01-01T00:00:00Z",
};
const container = (changes: object, more: object = {}) =>
  ({ Name: "/p-web-1", State: { ...state, ...changes }, HostConfig: {}, Config: {}, RestartCount: 0, ...more }) as unknown as Container;

test("one that runs", () => {
  expect(explainContainer(container({}), nowMs)).toEqual(["p-web-1 is running, started 10 minutes ago."]);
});

test("one that ended, and is not started again", () => {
  const ended = container({ Running: false, OOMKilled: true, ExitCode: 137, FinishedAt: "2026-01-01T00:08:00Z" });
  expect(explainContainer(ended, nowMs)).toEqual([
    "p-web-1 has ended 2 minutes ago.",
    "Its last exit: exit code 137 (killed: it used more memory than it may)",
    "Its restart policy is no: it is not started again by itself.",
  ]);
});

test("one that is unhealthy and restarts", () => {
  const health = {
    Status: "unhealthy",
    FailingStreak: 3,
    Log: [{ Start: "2026-01-01T00:09:00Z", End: "", ExitCode: 1, Output: "refused\n" }],
  };
  const sick = container(
    { Health: health, FinishedAt: "2026-01-01T00:00:00Z", ExitCode: 1 },
    { RestartCount: 2, HostConfig: { RestartPolicy: { Name: "always" } }, Config: { Healthcheck: { Test: ["CMD", "check"] } } },
  );
  expect(explainContainer(sick, nowMs)).toEqual([
    "p-web-1 is running, started 10 minutes ago.",
    "Its last exit: exit code 1 (it failed)",
    "Restarted 2 times by its policy (always).",
    "Its health is unhealthy, 3 checks in a row have failed. The check: CMD check",
    "  00:09:00 exit code 1: refused",
  ]);
});

test("exit codes in words", () => {
  expect([0, 3, 127, 139, 143, 131].map((code) => exitText(code, false))).toEqual([
    "exit code 0 (success)",
    "exit code 3 (it failed)",
    "exit code 127 (its command was not found)",
    "exit code 139 (it crashed, SIGSEGV)",
    "exit code 143 (told to end, SIGTERM)",
    "exit code 131 (ended by signal 3)",
  ]);
});
