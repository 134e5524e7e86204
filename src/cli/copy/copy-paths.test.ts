import { expect, test } from "vitest";
import { containerPath, copyPlan, parseCopyArgument } from "./copy-paths.ts";

const file = { isDirectory: false };
const directory = { isDirectory: true };

test("into a directory that is there", () => {
  expect(copyPlan("/etc/passwd", file, "/tmp", directory)).toEqual({ directory: "/tmp", from: "passwd", to: "passwd" });
  expect(copyPlan("src", directory, "/tmp/", directory)).toEqual({ directory: "/tmp", from: "src", to: "src" });
  expect(copyPlan("src/.", directory, "/tmp", directory)).toEqual({ directory: "/tmp", from: ".", to: "." });
});

test("as a name that is not there yet", () => {
  expect(copyPlan("a.txt", file, "/tmp/b.txt", undefined)).toEqual({ directory: "/tmp", from: "a.txt", to: "b.txt" });
  expect(copyPlan("src/", directory, "/tmp/new", undefined)).toEqual({ directory: "/tmp", from: "src", to: "new" });
  expect(copyPlan("src/.", directory, "/tmp/new", undefined)).toEqual({ directory: "/tmp/new", from: ".", to: ".", makeDirectory: true });
  expect(() => copyPlan("a.txt", file, "/tmp/new/", undefined)).toThrow("no such directory: /tmp/new/");
});

test("over a file", () => {
  expect(copyPlan("a.txt", file, "/tmp/b.txt", file)).toEqual({ directory: "/tmp", from: "a.txt", to: "b.txt" });
  expect(() => copyPlan("src", directory, "/tmp/b.txt", file)).toThrow("cannot copy a directory");
  expect(() => copyPlan("a.txt", file, "/tmp/b.txt/", file)).toThrow("not a directory");
});

test("arguments", () => {
  expect(parseCopyArgument("web:/etc/passwd")).toEqual({ service: "web", path: "/etc/passwd" });
  expect(parseCopyArgument("./web:x")).toEqual({ path: "./web:x" });
  expect(parseCopyArgument("-")).toEqual({ path: "-" });
  expect([containerPath("etc"), containerPath("/a/."), containerPath("a/.")]).toEqual(["/etc", "/a/.", "/a/."]);
});
