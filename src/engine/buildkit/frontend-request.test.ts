import { expect, it } from "vitest";
import { describePlatform } from "../../build/index.ts";
import { frontendBuild } from "./frontend-request.ts";

const native = new Map(describePlatform()).get("TARGETPLATFORM") ?? "";

it("reads the attributes that clients send", () => {
  const { request, locals, localSessions } = frontendBuild({
    filename: "Dockerfile.dev",
    target: "app",
    "build-arg:A": "1",
    "label:l": "v",
    "no-cache": "",
    platform: native,
    "add-hosts": '"db=10.0.0.1",x=::1',
    "force-network-mode": "host",
    "shm-size": "1048576",
    ulimit: "nofile=100:200",
    "context:extra": "local:extra",
    "context:base": "docker-image://busybox",
    [`context:only::${native}`]: "docker-image://native",
    "context:only::plan9/z80": "docker-image://foreign",
    "local-sessionid:context": "s1",
    "attest:provenance": "mode=min,inline-only=true",
  });
  expect(request).toMatchObject({
    dockerfile: "Dockerfile.dev",
    target: "app",
    args: { A: "1" },
    labels: { l: "v" },
    noCache: true,
    extraHosts: ["db=10.0.0.1", "x=::1"],
    network: "host",
    shmSize: 1048576,
    ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
    additionalContexts: { extra: "local:extra", base: "docker-image://busybox", only: "docker-image://native" },
  });
  expect(locals).toEqual({ context: "context", dockerfile: "dockerfile" });
  expect(localSessions.get("context")).toBe("s1");
});

it("tells apart contexts that are sent, uploaded, and fetched", () => {
  expect(frontendBuild({ context: "http://buildkit-session/abc" })).toMatchObject({ upload: "/abc", locals: { dockerfile: undefined } });
  expect(frontendBuild({ context: "https://github.com/a/b.git#main" }).request.remote).toBe("https://github.com/a/b.git#main");
  const ownDockerfile = frontendBuild({ context: "https://example.com/x.tar", dockerfilekey: "dockerfile" });
  expect(ownDockerfile).toMatchObject({ request: { remote: "https://example.com/x.tar" }, locals: { dockerfile: "dockerfile" } });
});

it.each([
  [{ platform: "linux/s390x,plan9/z80" }, /platform plan9\/z80 cannot be built here/],
  [{ platform: "linux/s390x,linux/arm64" }, /multi-platform build is not supported/],
  [{ platform: "bogus" }, /failed to parse platform bogus/],
  [{ memory: "1g" }, /the build option memory/],
  [{ "context:x": "floppy://y" }, /the context x .* is of a kind that is not supported/],
  [{ ulimit: "nofile" }, /invalid ulimit: nofile/],
])("refuses %j by name", (attrs, message) => {
  expect(() => frontendBuild(attrs as Record<string, string>)).toThrow(message);
});
