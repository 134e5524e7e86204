import { execFileSync } from "node:child_process";
import { existsSync, linkSync, lstatSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildRoom, type Built, buildRoom, type ContextFiles } from "../../support/build-room.ts";
import { filesOfLayer, topLayer } from "../../support/top-layer.ts";

let room: BuildRoom;
beforeAll(async () => {
  room = await buildRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});

const tree: ContextFiles = {
  "a.txt": "A",
  "b.txt": "B",
  ".hid": "h",
  "d/x": "dx",
  "d/y/z": "dyz",
  "exec.sh": ["#!", 0o755],
  set: ["s", 0o4755],
};
const lines = (...text: string[]) => ["FROM busybox", ...text, ""].join("\n");
const top = (built: Built) => topLayer(room, built);
const files = (built: Built, path: string) => filesOfLayer(room, built, path);

describe("a destination", () => {
  it.each([
    ["COPY a.txt /f", "f"],
    ["COPY a.txt /g/", "g/a.txt"],
    ["COPY a.txt /tmp", "tmp/a.txt"],
    ["COPY a.txt .", "a.txt"],
    ["WORKDIR /w\nCOPY a.txt sub/", "w/sub/a.txt"],
    ["WORKDIR /w\nCOPY a.txt sub", "w/sub"],
    ["COPY d /dst", "dst/x"],
    ["COPY d/ /dst/", "dst/y/z"],
    ["COPY ../../a.txt /up", "up"],
    ["COPY ./d/../b.txt /z", "z"],
    ["COPY [^b].txt /k", "k"],
    ["ENV D=/dir S=b\nCOPY ${S}.txt $D/", "dir/b.txt"],
    ["RUN mkdir /real && ln -s /real /lnk\nCOPY a.txt /lnk/", "real/a.txt"],
    ["RUN ln -s ../../../tmp/deep /esc\nCOPY a.txt /esc/f", "tmp/deep/f"],
    ["RUN mkdir /real && ln -s /real/file /flnk\nCOPY a.txt /flnk", "real/file"],
  ])("%j makes %s", async (instruction, path) => {
    const built = await room.build({ Dockerfile: lines(instruction), ...tree });
    expect(existsSync(join(top(built), path))).toBe(true);
  });

  it("of a directory is 0755 root's, keeps what it was, and takes modes only below itself", async () => {
    const setUp = "RUN mkdir -p /have/y && chmod 700 /have /have/y && chown 9:9 /have /have/y";
    const built = await room.build({ Dockerfile: lines(setUp, "COPY d /have", "COPY d /new"), ...tree });
    expect(["have", "have/y", "new"].map((path) => built.stat(path))).toEqual(["700 9:9", "755 0:0", "755 0:0"]);
  });

  it.each([
    ["RUN echo x > /f\nCOPY d /f", "cannot copy to non-directory: /f"],
    ["RUN mkdir -p /t/x\nCOPY d /t", "cannot copy to directory: /t/x"],
    ["RUN echo x > /f\nCOPY a.txt /f/", "cannot copy to non-directory: /f"],
  ])("is refused: %j", async (instruction, message) => {
    await expect(room.build({ Dockerfile: lines(instruction), ...tree })).rejects.toThrow(message);
  });
});

describe("sources", () => {
  it("are patterns of Go: hidden files count, a slash never does, and one that matches nothing is said", async () => {
    const built = await room.build({ Dockerfile: lines("COPY *.txt none* d/* /g/"), ...tree });
    expect(files(built, "g")).toEqual(["a.txt", "b.txt", "x", "z"]);
    expect(built.warnings).toEqual([expect.stringContaining("COPY none*: matches nothing: not in the build context")]);
    expect(files(await room.build({ Dockerfile: lines("COPY .h* /h/"), ...tree }), "h")).toEqual([".hid"]);
  });

  it("are names with blanks in the JSON form", async () => {
    const built = await room.build({ Dockerfile: lines('COPY ["a b", "/x y/"]'), "a b": "1" });
    expect(files(built, "x y")).toEqual(["a b"]);
  });

  it("that are links are followed inside the context; links inside a directory are copied", async () => {
    const contextDir = room.context({ ...tree, Dockerfile: lines("COPY lf /f", "COPY ld /d", "COPY d /e") });
    symlinkSync("a.txt", join(contextDir, "lf"));
    symlinkSync("d", join(contextDir, "ld"));
    symlinkSync("../nowhere", join(contextDir, "d/dangling"));
    const built = await room.build({}, { contextDir });
    expect([built.read("f"), built.read("d/x"), readlinkSync(join(top(built), "e/dangling"))]).toEqual(["A", "dx", "../nowhere"]);
  });

  it.each(["../../../../etc/hostname", "/etc/passwd", "nowhere"])(
    "that are a link out of the context (%s) are not there",
    async (target) => {
      const contextDir = room.context({ Dockerfile: lines("COPY out /out") });
      symlinkSync(target, join(contextDir, "out"));
      await expect(room.build({}, { contextDir })).rejects.toMatchObject({ code: "build/copy-source-missing" });
    },
  );

  it("that are missing are said, with the directory, and with the line that excludes them", async () => {
    const missing = room.build({ Dockerfile: lines("COPY nope /x"), ...tree });
    await expect(missing).rejects.toThrow(/COPY nope: "\/nope": not found: not in the build context .*context-/);
    const ignored = room.build({ Dockerfile: lines("COPY d/x /x"), ...tree, ".dockerignore": "# first\nd\n" });
    await expect(ignored).rejects.toThrow(/line 2 of .*\.dockerignore excludes it \("d"\)/);
  });

  it("keep set-id bits, hard links, capabilities and times; owners of the context do not count", async () => {
    const contextDir = room.context({ Dockerfile: lines("COPY . /m/"), ...tree, "h/1": "x" });
    linkSync(join(contextDir, "h/1"), join(contextDir, "h/2"));
    execFileSync("chown", ["77:88", join(contextDir, "a.txt")]);
    execFileSync("touch", ["-d", "@1000000000", join(contextDir, "a.txt")]);
    execFileSync("setcap", ["cap_net_raw+ep", join(contextDir, "exec.sh")]);
    const built = await room.build({}, { contextDir });
    expect([built.stat("m/set"), built.stat("m/a.txt")]).toEqual(["4755 0:0", "644 0:0"]);
    expect(lstatSync(join(top(built), "m/a.txt")).mtimeMs).toBe(1e12);
    expect(lstatSync(join(top(built), "m/h/1")).ino).toBe(lstatSync(join(top(built), "m/h/2")).ino);
    expect(execFileSync("getcap", [join(top(built), "m/exec.sh")], { encoding: "utf8" })).toContain("cap_net_raw=ep");
  });

  it("of a stage keep owners, devices and pipes", async () => {
    const Dockerfile = [
      "FROM busybox AS s",
      "RUN mkdir -p /o/p && echo 1 > /o/f && chown 5:6 /o/f /o/p /o && ln -s f /o/s && mkfifo /o/fifo && mknod /o/dev c 1 5",
      "FROM scratch",
      "COPY --from=s /o /n",
      "COPY --from=s /o/s /k",
      "COPY --from=busybox /etc/group /g",
      "",
    ].join("\n");
    const built = await room.build({ Dockerfile });
    expect(["n", "n/f", "n/p"].map((path) => built.stat(path))).toEqual(["755 0:0", "644 5:6", "755 5:6"]);
    const [n] = room.images.layerDirs(built.imageId).slice(-1);
    expect(lstatSync(join(n ?? "", "n/fifo")).isFIFO()).toBe(true);
    expect(lstatSync(join(n ?? "", "n/dev")).rdev).toBe(0x105);
    expect([built.read("k"), built.read("g")?.split("\n")[0]]).toEqual(["1\n", "root:x:0:"]);
  });
});

describe("options", () => {
  it.each([
    ["0640", "640"],
    ["4755", "4755"],
    ["u=rwX,go=rX", "755"],
    ["go-w,a-x", "644"],
    ["+x", "755"],
    ["u+s,g+s,+t", "7755"],
    ["g=u,o=", "770"],
    ["a=X", "111"],
    ["ug=rw,o=r", "664"],
  ])("--chmod=%s of a 0755 file gives %s", async (mode, expected) => {
    const built = await room.build({ Dockerfile: lines(`COPY --chmod=${mode} exec.sh /f`), ...tree });
    expect(built.stat("f")).toBe(`${expected} 0:0`);
  });

  it("--chmod reaches directories that are made, where it is octal", async () => {
    const built = await room.build({ Dockerfile: lines("COPY --chmod=700 d /s/t", "COPY --chmod=u=rwX d /u/v"), ...tree });
    expect(["s", "s/t", "s/t/x", "u", "u/v"].map((path) => built.stat(path))).toEqual([
      "700 0:0",
      "700 0:0",
      "700 0:0",
      "755 0:0",
      "755 0:0",
    ]);
  });

  it("--chmod=u=... takes the set-id bit of a file with it", async () => {
    const built = await room.build({ Dockerfile: lines("COPY --chmod=u=rwx,o=r s /u", "COPY --chmod=g=r s /g"), s: ["", 0o6755] });
    expect([built.stat("u"), built.stat("g")]).toEqual(["2754 0:0", "4745 0:0"]);
  });

  it.each([
    ["33", "33:33"],
    ["33:44", "33:44"],
    ["www-data", "33:33"],
    ["www-data:bin", "33:1"],
    [":44", "0:44"],
    ["$U:${U}", "7:7"],
  ])("--chown=%s gives %s, also what has to be made above", async (owner, expected) => {
    const built = await room.build({ Dockerfile: lines("ARG U=7", `COPY --chown=${owner} a.txt /p/q/f`), ...tree });
    expect(["p", "p/q/f"].map((path) => built.stat(path))).toEqual([`755 ${expected}`, `644 ${expected}`]);
  });

  it.each([
    ["nosuch", '--chown=nosuch: there is no user "nosuch" in /etc/passwd of the image', "0:0"],
    ["5:nosuch", '--chown=5:nosuch: there is no group "nosuch" in /etc/group of the image', "5:5"],
  ])("--chown=%s, which the image does not know, is said aloud and means what is there", async (owner, message, expected) => {
    const built = await room.build({ Dockerfile: lines(`COPY --chown=${owner} a.txt /f`), ...tree });
    expect([built.stat("f"), built.warnings]).toEqual([`644 ${expected}`, [expect.stringContaining(message)]]);
  });

  it.each([
    ["01777", "1777"],
    ["o+st,u+x", "744"],
    ["a+t", "1644"],
  ])("--chmod=%s makes a file %s", async (mode, expected) => {
    const built = await room.build({ Dockerfile: lines(`COPY --chmod=${mode} a.txt /f`), ...tree });
    expect(built.stat("f")).toBe(`${expected} 0:0`);
  });

  it.each([
    ["777", "755"],
    ["2775", "755"],
    ["700", "700"],
    ["666", "644"],
  ])("--chmod=%s makes the directories above %s", async (mode, expected) => {
    const built = await room.build({ Dockerfile: lines(`COPY --chmod=${mode} a.txt /p/q/`), ...tree });
    expect(["p", "p/q", "p/q/a.txt"].map((path) => built.stat(path))).toEqual([`${expected} 0:0`, `${expected} 0:0`, `${mode} 0:0`]);
  });

  it("of several files that become one the last one stays, which is said aloud", async () => {
    const built = await room.build({ Dockerfile: lines("COPY a.txt b.txt /f"), ...tree });
    expect([built.read("f"), built.warnings]).toEqual([tree["b.txt"], [expect.stringContaining("only the last one stays as /f")]]);
  });

  it("takes an empty stage for the empty directory that it is", async () => {
    const built = await room.build({ Dockerfile: "FROM scratch AS empty\nFROM busybox\nCOPY --from=empty / /e/\n" });
    expect(built.stat("e")).toBe("755 0:0");
  });

  it("--exclude leaves out, --parents keeps the directories", async () => {
    const excluded = await room.build({ Dockerfile: lines("COPY --exclude=*.txt --exclude=d/y --exclude=!b.txt . /x/"), ...tree });
    expect(files(excluded, "x")).toEqual([".hid", "Dockerfile", "b.txt", "d/x", "exec.sh", "set"]);
    const named = await room.build({ Dockerfile: lines("COPY --exclude=a.txt --exclude=*.txt a.txt b.* /x/"), ...tree });
    expect(files(named, "x")).toEqual(["a.txt", "b.txt"]);
    const below = await room.build({ Dockerfile: lines("COPY --parents --exclude=d/x d/x d/y /x/"), ...tree });
    expect(files(below, "x")).toEqual(["d/y/z"]);
    const kept = await room.build({ Dockerfile: lines("COPY --parents d/y/z a.txt ./d/./x **/*.txt /p/"), ...tree });
    expect(files(kept, "p")).toEqual(["a.txt", "b.txt", "d/y/z", "x"]);
  });

  it("--link does not depend on the steps before it in what it makes", async () => {
    const built = await room.build({ Dockerfile: lines("RUN mkdir -p /q/w", "COPY --link --chown=5:6 --chmod=640 a.txt /q/w/"), ...tree });
    expect(built.stat("q/w/a.txt")).toBe("640 5:6");
    expect(built.image.config.history?.at(-1)?.created_by).toBe("COPY --chown=5:6 --chmod=640 a.txt /q/w/ # buildkit");
  });

  it("--from takes a directory or an image under a name of its own", async () => {
    const other = room.context({ f: "1", g: "2", ".dockerignore": "g\n" });
    const additionalContexts = { other, img: "docker-image://busybox" };
    const built = await room.build(
      { Dockerfile: lines("COPY --from=img /etc/group /g", "COPY --from=other / /o/") },
      { additionalContexts },
    );
    expect(files(built, "o")).toEqual([".dockerignore", "f"]);
    const base = await room.build({ Dockerfile: "FROM other\n" }, { additionalContexts });
    expect(files(base, "")).toEqual([".dockerignore", "f"]);
  });
});

describe(".dockerignore", () => {
  it.each([
    ["*.txt\n!b.txt\nd/y\n", ["b.txt", "d/x"]],
    ["**\n!d/**/z\n", ["d/y/z"]],
    ["*\n!d\nd/y\n", ["d/x"]],
    ["/d/\n./a.txt\n", ["b.txt"]],
    ["*/x\n?.txt\n", ["d/y/z"]],
  ])("%j leaves %j", async (ignore, expected) => {
    const given = { "a.txt": "", "b.txt": "", "d/x": "", "d/y/z": "" };
    const built = await room.build({ Dockerfile: lines("COPY . /c/"), ".dockerignore": `${ignore}Dockerfile\n.dockerignore\n`, ...given });
    expect(files(built, "c")).toEqual(expected);
  });

  it("of the Dockerfile's own name comes first", async () => {
    const given = { "sub/df": lines("COPY . /c/"), "sub/df.dockerignore": "a\nsub\n", ".dockerignore": "b\n", a: "", b: "" };
    expect(files(await room.build(given, { dockerfile: "sub/df" }), "c")).toEqual([".dockerignore", "b"]);
  });
});
