import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BuildEvent } from "../../../src/api/index.ts";
import { type BuildRoom, buildRoom } from "../../support/build-room.ts";

let room: BuildRoom;
beforeAll(async () => {
  room = await buildRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});

const env = (built: { image: { config: { config?: { Env?: string[] | null } } } }) =>
  Object.fromEntries(
    (built.image.config.config?.Env ?? []).map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );

// What BuildKit 0.25 makes of the same lines.
describe("ENV expands", () => {
  it.each([
    ["$A", "one"],
    ["${A}x", "onex"],
    ["${NONE:-word}", "word"],
    ["${EMPTY:-word}", "word"],
    ["${EMPTY-word}", ""],
    ["${NONE-word}", "word"],
    ["${A:+alt}", "alt"],
    ["${EMPTY:+alt}", ""],
    ["${NONE+alt}", ""],
    ["${NONE:-${ALSO:-deep}}", "deep"],
    ["${P#*.}", "tar.gz"],
    ["${P##*.}", "gz"],
    ["${P%.*}", "foo.tar"],
    ["${P%%.*}", "foo"],
    ["${P/o/0}", "f0o.tar.gz"],
    ["${P//o/0}", "f00.tar.gz"],
    ["${D##*/}", "c.d"],
    ["${D//\\//_}", "_a_b_c.d"],
    ["'$A'", "$A"],
    ['"a b $A"', "a b one"],
    ["a\\ b", "a b"],
    ["\\$A", "$A"],
    ['"q\\"q"', 'q"q'],
    ["$$", ""],
    ["a$", "a$"],
  ])("%s", async (written, expected) => {
    const Dockerfile = `FROM scratch\nENV A=one EMPTY= P=foo.tar.gz D=/a/b/c.d\nENV R=${written}\n`;
    expect(env(await room.build({ Dockerfile }))["R"]).toBe(expected);
  });

  it("with the values from before the line, and in the old form without quotes", async () => {
    const built = await room.build({ Dockerfile: "FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nENV legacy this is $def  a\n" });
    expect(env(built)).toMatchObject({ abc: "bye", def: "hello", legacy: "this is hello  a" });
  });

  it.each([
    ["${A!b}", "unsupported modifier (!) in substitution"],
    ["${}", "bad substitution"],
    ['"${NONE:?must be set}"', "NONE: must be set"],
  ])("not %s", async (written, message) => {
    await expect(room.build({ Dockerfile: `FROM scratch\nENV A=x\nENV R=${written}\n` })).rejects.toMatchObject({
      code: "build/instruction",
      message: expect.stringContaining(message),
      place: { line: 3 },
    });
  });
});

describe("ARG", () => {
  it("is global before FROM, of its stage after it, and may be given by the caller", async () => {
    const Dockerfile = [
      "ARG G=global",
      "ARG IMAGE=busybox",
      "FROM ${IMAGE}:latest AS a",
      'RUN echo "[$G]" > /before',
      "ARG G",
      "ARG L=local M=${L}-m",
      'RUN echo "$G $L $M" > /x',
      "FROM a",
      'RUN echo "$G $L" > /inherited',
      "FROM busybox AS last",
      "COPY --from=1 /before /x /inherited /",
      'RUN echo "[$G$L]" > /none',
    ].join("\n");
    const built = await room.build({ Dockerfile }, { args: { L: "given" } });
    expect(["before", "x", "inherited", "none"].map((name) => built.read(name))).toEqual([
      "[]\n",
      "global given given-m\n",
      "global given\n",
      "[]\n",
    ]);
    expect(built.image.config.history?.map((entry) => entry.created_by)).toContain('RUN /bin/sh -c echo "[$G$L]" > /none # buildkit');
  });

  it("says what was given and is not used", async () => {
    expect((await room.build({ Dockerfile: "FROM scratch\nARG A\n" }, { args: { A: "1", B: "2" } })).warnings).toEqual([
      ": One or more build-args [B] were not consumed",
    ]);
  });

  it("of the platform and of the target stage is there when it is declared", async () => {
    const Dockerfile =
      'FROM --platform=$BUILDPLATFORM busybox AS here\nARG TARGETARCH TARGETPLATFORM TARGETSTAGE BUILDOS\nRUN echo "$TARGETARCH $TARGETPLATFORM $TARGETSTAGE $BUILDOS" > /x\n';
    const architecture = process.arch === "arm64" ? "arm64" : "amd64";
    expect((await room.build({ Dockerfile })).read("x")).toBe(`${architecture} linux/${architecture} here linux\n`);
  });

  it("for a proxy needs no declaration, and is neither in the history nor in the key", async () => {
    const Dockerfile = 'FROM busybox\nRUN echo "$HTTP_PROXY $http_proxy" > /x\n';
    const first = await room.build({ Dockerfile }, { args: { HTTP_PROXY: "http://one" } });
    expect(first.read("x")).toBe("http://one http://one\n");
    const second = await room.build({ Dockerfile }, { args: { HTTP_PROXY: "http://two" } });
    expect(second.cached).toHaveLength(1);
    expect(JSON.stringify(first.image.config.history)).not.toContain("http://one");
  });

  it("wins over an ENV of the same name that stands before it, inside RUN", async () => {
    const built = await room.build({ Dockerfile: "FROM busybox\nENV V=env\nARG V=arg\nRUN echo $V > /x\n" });
    expect([built.read("x"), env(built)["V"]]).toEqual(["arg\n", "env"]);
  });
});

describe("metadata", () => {
  it("becomes the configuration and the history that BuildKit writes", async () => {
    const Dockerfile = [
      "FROM busybox",
      "MAINTAINER me <me@x>",
      "EXPOSE 81/udp 80 8000-8001/tcp 53/UDP",
      "VOLUME /data /more",
      'VOLUME ["/j two"]',
      "STOPSIGNAL SIGUSR1",
      "USER 1000:1000",
      "WORKDIR /w/x",
      "WORKDIR y",
      "CMD echo  hi   there",
      'ENTRYPOINT ["/bin/echo", "x"]',
      "HEALTHCHECK --interval=5m --timeout=3s --start-period=1h1m1s --start-interval=500ms --retries=4 CMD curl -f   localhost || exit 1",
      "ONBUILD RUN  echo   x",
    ].join("\n");
    const { image, stat } = await room.build({ Dockerfile });
    expect(image.config.author).toBe("me <me@x>");
    expect(image.config.config).toMatchObject({
      ExposedPorts: { "53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {}, "81/udp": {} },
      Volumes: { "/data": {}, "/more": {}, "/j two": {} },
      StopSignal: "SIGUSR1",
      User: "1000:1000",
      WorkingDir: "/w/x/y",
      Cmd: ["/bin/sh", "-c", "echo  hi   there"],
      Entrypoint: ["/bin/echo", "x"],
      Healthcheck: {
        Test: ["CMD-SHELL", "curl -f   localhost || exit 1"],
        Interval: 300e9,
        Timeout: 3e9,
        StartPeriod: 3661e9,
        StartInterval: 5e8,
        Retries: 4,
      },
      OnBuild: ["RUN  echo   x"],
    });
    expect([stat("w"), stat("w/x/y")]).toEqual(["755 1000:1000", "755 1000:1000"]);
    expect(image.config.history?.slice(1).map((entry) => entry.created_by)).toEqual([
      "MAINTAINER me <me@x>",
      "EXPOSE [53/udp 80/tcp 8000/tcp 8001/tcp 81/udp]",
      "VOLUME [/data /more]",
      "VOLUME [/j two]",
      "STOPSIGNAL SIGUSR1",
      "USER 1000:1000",
      "WORKDIR /w/x",
      "WORKDIR /w/x/y",
      'CMD ["/bin/sh" "-c" "echo  hi   there"]',
      'ENTRYPOINT ["/bin/echo" "x"]',
      `HEALTHCHECK &{["CMD-SHELL" "curl -f   localhost || exit 1"] "5m0s" "3s" "1h1m1s" "500ms" '\\x04'}`,
    ]);
  });

  it("resets an inherited CMD with ENTRYPOINT, unless the stage has a CMD of its own", async () => {
    const base = 'FROM busybox AS a\nCMD ["base"]\nFROM a\n';
    const cmd = async (lines: string) => (await room.build({ Dockerfile: base + lines })).image.config.config?.Cmd ?? null;
    expect(await cmd('ENTRYPOINT ["e"]\n')).toBeNull();
    expect(await cmd('CMD ["own"]\nENTRYPOINT ["e"]\n')).toEqual(["own"]);
    expect(await cmd("CMD []\n")).toBeNull();
  });

  it("uses SHELL for RUN, CMD and ENTRYPOINT, not for HEALTHCHECK", async () => {
    const Dockerfile = 'FROM busybox\nSHELL ["/bin/sh", "-ec"]\nRUN false; echo x > /x\n';
    await expect(room.build({ Dockerfile })).rejects.toMatchObject({ code: "build/step-failed" });
    const { image } = await room.build({ Dockerfile: 'FROM busybox\nSHELL ["/bin/sh","-ec"]\nCMD a\nHEALTHCHECK CMD b\n' });
    expect(image.config.config).toMatchObject({ Cmd: ["/bin/sh", "-ec", "a"], Healthcheck: { Test: ["CMD-SHELL", "b"] } });
  });

  it.each([
    ["FROM busybox\nRUNN x", 2, "unknown instruction: RUNN (did you mean RUN?)"],
    ["FROM busybox\nCOPY --frm=x a /b", 2, "unknown flag: --frm (did you mean from?)"],
    ["FROM busybox\nENV x", 2, "ENV must have two arguments"],
    ["FROM busybox\nEXPOSE abc", 2, "invalid containerPort: abc"],
    ['FROM busybox\nCMD ["a", 1]', 2, "arrays must be comprised of strings only"],
    ["FROM busybox\nSHELL bad", 2, "SHELL requires the arguments to be in JSON form"],
    ["FROM busybox\nSTOPSIGNAL NOPE", 2, "invalid signal: NOPE"],
    ["FROM busybox\nSTOPSIGNAL 0", 2, "invalid signal: 0"],
    ["FROM busybox\nCOPY --from=5 /a /b", 2, "invalid stage index 5"],
    ["FROM busybox\nENV A=${B:?needed}", 2, 'failed to process "${B:?needed}": B: needed'],
    ["FROM busybox\nUSER", 2, "USER requires exactly one argument"],
    ["# check=nope=1\nFROM busybox", 1, 'invalid check option "nope"'],
    ["FROM busybox\nHEALTHCHECK --interval=1x CMD a", 2, 'time: unknown unit "x" in duration "1x"'],
    ["FROM busybox\nHEALTHCHECK --interval=1 CMD a", 2, 'time: missing unit in duration "1"'],
    ["FROM busybox\nHEALTHCHECK --interval=soon CMD a", 2, 'time: invalid duration "soon"'],
    ["FROM busybox\nCOPY <<EOF /x\nabc", 2, "unterminated heredoc"],
    ["RUN x", 1, "no build stage in current context"],
    ["FROM busybox AS b\nCOPY --from=b /x /", 2, "circular dependency"],
    ["FROM busybox\nRUN --mount=type=bound,target=/x true", 2, 'unsupported mount type "bound" (did you mean bind?)'],
    ["FROM busybox\nRUN --mount=type=bind,targt=/x true", 2, "unexpected key 'targt' in 'targt=/x' (did you mean target?)"],
    ["FROM busybox\nRUN --security=insecure true", 2, "RUN --security=insecure is not supported"],
    ["FROM ${NONE}", 1, "base name (${NONE}) should not be blank"],
    ["# escape=x\nFROM busybox", 1, "invalid escape token 'x' does not match ` or \\"],
    [
      "FROM BusyBox",
      1,
      'failed to parse stage name "BusyBox": invalid reference format: repository name (library/BusyBox) must be lowercase',
    ],
    ["FROM busybox:::", 1, 'failed to parse stage name "busybox:::": invalid reference format'],
    ["FROM busybox\nRUN --network=host true", 2, "network.host is not allowed"],
    ["FROM busybox\nrunn x", 2, "unknown instruction: runn (did you mean RUN?)"],
    ["# syntax=example.com/other\nFROM busybox", 1, 'the front end "example.com/other"'],
  ])("names file, line and what is wrong in %j", async (Dockerfile, line, message) => {
    await expect(room.build({ Dockerfile })).rejects.toMatchObject({
      message: expect.stringContaining(message),
      place: { file: "Dockerfile", line },
    });
  });

  it("says that a file is empty", async () => {
    await expect(room.build({ Dockerfile: " \n" })).rejects.toMatchObject({
      message: "the Dockerfile cannot be empty",
      place: { file: "Dockerfile" },
    });
  });

  it("finds what is wrong with a later instruction before a step of the stage runs", async () => {
    const events: BuildEvent[] = [];
    const Dockerfile = "FROM busybox\nRUN echo ran\nEXPOSE abc\n";
    await expect(room.build({ Dockerfile }, { onEvent: (event) => events.push(event) })).rejects.toMatchObject({
      code: "build/instruction",
    });
    expect(events.filter((event) => event.type === "log")).toEqual([]);
  });
});

describe("lines", () => {
  it("continue over comments and blanks, with the escape character that the file chose", async () => {
    const Dockerfile = "# escape=`\r\nFROM busybox\r\nRUN echo a `\r\n# comment\r\n   && echo b > /x\r\nENV P=C:\\foo\r\n";
    const built = await room.build({ Dockerfile });
    expect([built.read("x"), env(built)["P"]]).toEqual(["b\n", "C:\\foo"]);
    const joined = await room.build({ Dockerfile: 'FROM busybox\nRUN echo "a\\\n   b" > /x\n' });
    expect(joined.read("x")).toBe("a   b\n");
  });

  it("hold heredocs: files, scripts, input for a command, tabs dropped, quoted and not", async () => {
    const Dockerfile = [
      "FROM busybox",
      "ENV V=val",
      "COPY <<EOF /a",
      `plain $V \\$V "q" 'q' \\n \\\\`,
      "EOF",
      'COPY <<"EOF" /b',
      "raw $V \\n",
      "EOF",
      "COPY <<-ONE <<TWO /d/",
      "\ttabbed",
      "\tONE",
      "2",
      "TWO",
      "COPY --chmod=755 --chown=33:33 <<script.sh /e",
      "x",
      "script.sh",
      "RUN <<EOF cat > /g",
      "text $V",
      "EOF",
      'RUN cat <<EOF > /h && cat <<"E2" > /i',
      "$V h",
      "EOF",
      "$V i",
      "E2",
      "RUN <<EOF",
      "#!/bin/sh",
      'echo "$0" > /j',
      "EOF",
      "RUN 3<<EOF cat <&3 > /k",
      "three",
      "EOF",
    ].join("\n");
    const { read, stat } = await room.build({ Dockerfile });
    expect(Object.fromEntries(["a", "b", "d/ONE", "d/TWO", "g", "h", "i", "j", "k"].map((name) => [name, read(name)]))).toEqual({
      a: `plain val $V "q" 'q' n \\\n`,
      b: "raw $V \\n\n",
      "d/ONE": "tabbed\n",
      "d/TWO": "2\n",
      g: "text val\n",
      h: "val h\n",
      i: "$V i\n",
      j: "/dev/pipes/EOF\n",
      k: "three\n",
    });
    expect([stat("a"), stat("e"), stat("dev/pipes")]).toEqual(["644 0:0", "755 33:33", undefined]);
  });
});

describe("ONBUILD", () => {
  it("runs in the child after FROM, reads the child's context and stages, and is not inherited further", async () => {
    await room.build(
      { Dockerfile: "FROM busybox\nONBUILD COPY f /onb\nONBUILD COPY --from=stg /s /s\nONBUILD RUN <<EOF\necho one > /1\nEOF\n" },
      { tags: ["onbuild-base:1"] },
    );
    const child = await room.build(
      { Dockerfile: "FROM busybox AS stg\nRUN echo staged > /s\nFROM onbuild-base:1\nRUN cat /onb > /copy\n", f: "context" },
      { tags: ["onbuild-child:1"] },
    );
    expect(["onb", "s", "1", "copy"].map((name) => child.read(name))).toEqual(["context", "staged\n", "one\n", "context"]);
    expect((await room.build({ Dockerfile: "FROM onbuild-child:1\n" })).imageId).toBe(child.imageId);
  });
});
