import { expect, test } from "vitest";
import { tmpfsMountOptions, tmpfsOptions } from "./tmpfs-options.ts";

test.each<[string, string[]]>([
  ["", ["noexec", "nosuid", "nodev"]],
  ["exec", ["exec", "nosuid", "nodev"]],
  ["rw,exec,size=1m,noexec", ["noexec", "nosuid", "nodev", "rw", "size=1m"]],
  ["defaults,uid=1000,size=1m,size=2m", ["noexec", "nosuid", "nodev", "uid=1000", "size=2m"]],
])("of %j", (text, options) => {
  expect(tmpfsOptions(text.split(",").filter(Boolean))).toEqual(options);
});

test("one that none has is refused by its name", () => {
  expect(() => tmpfsOptions(["foo=bar"])).toThrow('invalid tmpfs option "foo"');
});

test("of a specification", () => {
  const spec = { Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1024, Mode: 0o700, Options: [["exec"]] } } as const;
  expect(tmpfsMountOptions({ ...spec, TmpfsOptions: { ...spec.TmpfsOptions, Options: [["exec"]] } }, "ro")).toEqual([
    "exec",
    "nosuid",
    "nodev",
    "ro",
    "size=1024",
    "mode=700",
  ]);
});
