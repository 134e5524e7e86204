import { describe, expect, it } from "vitest";
import { commandFailure, startError } from "./start-error.ts";

/** What crun 1.8 and runc 1.1 print. */
const said: [string, string, 126 | 127, string][] = [
  [
    "executable file `nosuch` not found in $PATH: No such file or directory",
    "nosuch",
    127,
    'exec: "nosuch": executable file not found in $PATH',
  ],
  [
    "\u001b[1;31m2026-11-24T06:15:37.759165Z: executable file `nosuch` not found in $PATH: No such file or directory\u001b[0m",
    "nosuch",
    127,
    'exec: "nosuch": executable file not found in $PATH',
  ],
  [
    "executable file `/nosuch` not found in $PATH: No such file or directory",
    "/nosuch",
    127,
    'exec: "/nosuch": stat /nosuch: no such file or directory',
  ],
  ["open executable: Permission denied", "/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'],
  ["open executable: Operation not permitted", "/tmp", 126, 'exec: "/tmp": is a directory: permission denied'],
  [
    "chdir `/nosuch`: No such file or directory",
    "true",
    127,
    'chdir to cwd ("/nosuch") set in config.json failed: no such file or directory',
  ],
  [
    '{"level":"error","msg":"exec failed: unable to start container process: exec: \\"nosuch\\": executable file not found in $PATH"}',
    "nosuch",
    127,
    'exec: "nosuch": executable file not found in $PATH',
  ],
];

describe("a command that cannot be started", () => {
  it.each(said)("%j", (text, command, exitCode, why) => {
    expect(commandFailure(text, command)).toEqual({ exitCode, why });
  });

  it("is not asked for where its directory is a file", () => {
    expect(startError("0123456789abcdef", "chdir `/etc/passwd`: Not a directory", "true")).toMatchObject({
      code: "runtime/start-failed",
      message: "Cannot mkdir: /etc/passwd is not a directory",
    });
  });

  it("is not the fault where a mount failed", () => {
    const text = "mount `/a` to `b`: No such file or directory";
    expect(commandFailure(text, "true")).toBeUndefined();
    expect(startError("0123456789abcdef", text, "true").message).toContain(text);
  });
});
