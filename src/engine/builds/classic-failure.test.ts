import { expect, test } from "vitest";
import { BerthError } from "../../system/index.ts";
import { classicFailure } from "./classic-failure.ts";

const place = { file: "Dockerfile", line: 2 };

test.each([
  [
    new BerthError("build/dockerfile", "unknown instruction: BOGUS", { place }),
    "dockerfile parse error on line 2: unknown instruction: BOGUS",
  ],
  [new BerthError("build/dockerfile", "the Dockerfile cannot be empty", { place }), "the Dockerfile (D) cannot be empty"],
  [new BerthError("build/dockerfile", 'target stage "zz" could not be found'), 'target stage "zz" could not be found'],
  [
    new BerthError("build/context", "failed to read dockerfile: /var/lib/x/D: no such file or directory"),
    "Cannot locate specified Dockerfile: D",
  ],
  [
    new BerthError("build/copy-source-missing", 'COPY a: b: "/a: b": not found: not in the build context /var/lib/x'),
    "COPY failed: file not found in build context or excluded by .dockerignore: stat a: b: file does not exist",
  ],
  [new BerthError("build/base-image", "no such image"), "no such image"],
])("%s", (error, message) => {
  expect(classicFailure(error, { dockerfile: "D", begun: false })).toEqual({ message });
});

test("a command that failed is told with its exit code", () => {
  const error = new BerthError("build/step-failed", 'process "/bin/sh -c exit 3" did not complete successfully: exit code: 3');
  expect(classicFailure(error, { dockerfile: "D", begun: true })).toEqual({
    code: 3,
    message: "The command '/bin/sh -c exit 3' returned a non-zero code: 3",
  });
});
