import { expect, it } from "vitest";
import { momentMs } from "./moment.ts";

const nowMs = Date.parse("2026-01-02T00:00:00Z");

it.each([
  ["42m", nowMs - 42 * 60_000],
  ["1h30m", nowMs - 90 * 60_000],
  ["-1h", nowMs + 3_600_000],
  ["500ms", nowMs - 500],
  ["0s", nowMs],
  ["0", 0],
  ["1767312000", 1_767_312_000_000],
  ["0.5", 500],
  ["2026-01-01T00:00:00Z", Date.UTC(2026, 0, 1)],
  ["2026-01-01T00:00:00.250Z", Date.UTC(2026, 0, 1) + 250],
  ["2026-01-01T05:30+05:30", Date.UTC(2026, 0, 1)],
  ["2026-01-01T07Z", Date.UTC(2026, 0, 1, 7)],
  ["2026-01-01Z", Date.UTC(2026, 0, 1)],
  ["2026-01-01", new Date(2026, 0, 1).getTime()],
  ["2026-01-01T07", new Date(2026, 0, 1, 7).getTime()],
  ["2026-01-01T07:08:09", new Date(2026, 0, 1, 7, 8, 9).getTime()],
])("%s is a moment", (text, ms) => {
  expect(momentMs(text, nowMs)).toBe(ms);
});

it.each(["", "x", "1d", "2026-01", "2026-13-01", "2026-01-01T", "2026-01-01T1:2", "yesterday"])("%j is none", (text) => {
  expect(momentMs(text, nowMs)).toBeUndefined();
});
