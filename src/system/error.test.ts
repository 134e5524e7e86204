import { expect, test } from "vitest";
import { BerthError, formatError } from "./error.ts";

test("an error in a file reads as a compiler's, with the hint on a line of its own", () => {
  const error = new BerthError("api/conflict", "there are two of them", {
    place: { file: "compose.yaml", line: 14, column: 9, path: "services.web" },
    hint: "Remove one.",
  });
  expect(formatError(error)).toBe("compose.yaml:14:9: services.web: there are two of them  [api/conflict]\n  Remove one.");
});

test("an error about a thing names the thing", () => {
  expect(formatError(new BerthError("api/not-found", "is gone", { place: { kind: "container", name: "shop-web-1" } }))).toBe(
    "container shop-web-1: is gone  [api/not-found]",
  );
});

test("a message that names its service itself is not given the name twice", () => {
  const error = new BerthError("scheduler/action-failed", "service web: cannot be started: no", {
    place: { kind: "service", name: "web" },
  });
  expect(formatError(error)).toBe("service web: cannot be started: no  [scheduler/action-failed]");
});
