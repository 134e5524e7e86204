import { expect, test } from "vitest";
import { environmentEntries, parsePublish, parseVolume, shellWords } from "./run-options.ts";

test("published ports", () => {
  expect(parsePublish("80")).toEqual([{ mode: "ingress", protocol: "tcp", target: 80 }]);
  expect(parsePublish("127.0.0.1:8080:80/udp")).toEqual([
    { mode: "ingress", protocol: "udp", host_ip: "127.0.0.1", target: 80, published: "8080" },
  ]);
  expect(parsePublish("[::1]::80")).toEqual([{ mode: "ingress", protocol: "tcp", host_ip: "::1", target: 80 }]);
  expect(parsePublish("1-2:81-82").map((port) => [port.published, port.target])).toEqual([
    ["1", 81],
    ["2", 82],
  ]);
  expect(parsePublish("8000-8010:80")).toEqual([{ mode: "ingress", protocol: "tcp", target: 80, published: "8000-8010" }]);
  for (const wrong of ["x", "80:", "1-3:1-2", "70000", "3-1"]) expect(() => parsePublish(wrong)).toThrow("invalid --publish");
});

test("volumes", () => {
  expect(parseVolume("/data", "/here")).toEqual({ type: "volume", target: "/data" });
  expect(parseVolume("data:/data:ro,nocopy", "/here")).toEqual({
    type: "volume",
    source: "data",
    target: "/data",
    read_only: true,
    volume: { nocopy: true },
  });
  expect(parseVolume("./src:/src:z", "/here")).toEqual({
    type: "bind",
    source: "/here/src",
    target: "/src",
    bind: { create_host_path: true, selinux: "z" },
  });
  for (const wrong of ["a:b", "a:/b:x", "a:/b:ro:x", ":/b"]) expect(() => parseVolume(wrong, "/")).toThrow("invalid --volume");
});

test("environment", () => {
  expect(environmentEntries(["A=1=2", "B", "C"], { B: "b" })).toEqual({ A: "1=2", B: "b" });
});

test("words of a command line", () => {
  expect(shellWords(`sh -c 'echo "a b"' x\\ y "q \\" r" ''`)).toEqual(["sh", "-c", 'echo "a b"', "x y", 'q " r', ""]);
  expect(() => shellWords("a 'b")).toThrow("invalid command line");
});
