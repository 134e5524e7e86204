import { expect, test } from "vitest";
import { configWithChanges } from "./config-changes.ts";

test("takes every instruction that changes nothing but the configuration", () => {
  const base = { Env: ["A=1", "B=2"], Cmd: ["sh"], WorkingDir: "/srv", Labels: { old: "1" } };
  const lines = [
    'CMD ["cat", "/d"]',
    'ENV A=3 C="x y"',
    "EXPOSE 80 90/udp",
    "HEALTHCHECK --interval=3s CMD true",
    "label z=1",
    "ONBUILD RUN make",
    "STOPSIGNAL SIGINT",
    "USER ${A}",
    "VOLUME /q",
    "WORKDIR sub",
    'ENTRYPOINT ["env"]',
  ];
  expect(configWithChanges(base, lines)).toEqual({
    Cmd: ["cat", "/d"],
    Entrypoint: ["env"],
    Env: ["A=3", "B=2", "C=x y"],
    ExposedPorts: { "80/tcp": {}, "90/udp": {} },
    Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 3e9 },
    Labels: { old: "1", z: "1" },
    OnBuild: ["RUN make"],
    StopSignal: "SIGINT",
    User: "3",
    Volumes: { "/q": {} },
    WorkingDir: "/srv/sub",
  });
});

test("keeps the command with another entrypoint, and what the base has for children", () => {
  const base = { Cmd: ["a"], OnBuild: ["RUN x"] };
  expect(configWithChanges(base, ["ENTRYPOINT e"])).toEqual({ Cmd: ["a"], OnBuild: ["RUN x"], Entrypoint: ["/bin/sh", "-c", "e"] });
});

test.each([
  ["RUN x", "RUN is not a valid change command"],
  ["bogus x", "BOGUS is not a valid change command"],
  ["ENV a", /ENV must have two arguments/],
])("refuses %s", (line, message) => {
  expect(() => configWithChanges({}, [line])).toThrow(message);
});
