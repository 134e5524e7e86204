import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Builder } from "../../../src/build/index.ts";
import { type BuildRoom, buildRoom, writeContext } from "../../support/build-room.ts";
import { until } from "../../support/until.ts";

let room: BuildRoom;
beforeAll(async () => {
  room = await buildRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});

const copyAndRun = "FROM busybox\nCOPY . /src/\nRUN cat /src/a > /x\n";
/** A word that no other test's steps have. */
const unique = () => randomBytes(6).toString("hex");

describe("a step is taken from the cache", () => {
  it("by what its files are: not their times, not the directory they lie in", async () => {
    const files = { Dockerfile: copyAndRun, a: unique(), "d/b": "b" };
    const first = await room.build(files);
    const elsewhere = room.context(files);
    utimesSync(join(elsewhere, "a"), 1, 1);
    const second = await room.build({}, { contextDir: elsewhere });
    expect([second.imageId, second.cached.length]).toEqual([first.imageId, 2]);
  });

  it.each([
    ["a changed byte", (directory: string) => writeFileSync(join(directory, "d/b"), "c")],
    ["a changed mode", (directory: string) => chmodSync(join(directory, "d/b"), 0o600)],
    ["a changed name", (directory: string) => renameSync(join(directory, "d/b"), join(directory, "d/c"))],
    ["a new file", (directory: string) => writeFileSync(join(directory, "new"), "")],
  ])("unless there is %s", async (_, change) => {
    const first = await room.build({ Dockerfile: copyAndRun, a: unique(), "d/b": "b" });
    change(first.contextDir);
    const second = await room.build({}, { contextDir: first.contextDir });
    expect(second.cached).toEqual([]);
    expect(second.imageId).not.toBe(first.imageId);
  });

  it("whatever the modes of the sources, where --chmod sets them", async () => {
    const Dockerfile = "FROM busybox\nCOPY --chmod=644 . /src/\n";
    const first = await room.build({ Dockerfile, a: unique() });
    chmodSync(join(first.contextDir, "a"), 0o600);
    expect((await room.build({}, { contextDir: first.contextDir })).cached).toHaveLength(1);
  });

  it("over metadata that it does not see, not over what it does", async () => {
    const word = unique();
    const lines = (...between: string[]) => ["FROM busybox", `RUN echo ${word} > /1`, ...between, `RUN echo ${word} > /2`, ""].join("\n");
    await room.build({ Dockerfile: lines() });
    const cached = async (...between: string[]) => (await room.build({ Dockerfile: lines(...between) })).cached.length;
    expect(await cached("LABEL a=b", "CMD x", "EXPOSE 1", "VOLUME /v", "STOPSIGNAL 9", "# a comment")).toBe(2);
    expect(await cached("ENV A=b")).toBe(1);
    expect(await cached("ARG Z=1")).toBe(1);
    expect(await cached("WORKDIR /w")).toBe(1);
  });

  it("by content between stages: the same result of other commands reaches the next stage's cache", async () => {
    const word = unique();
    const Dockerfile = (command: string) => `FROM busybox AS a\nRUN ${command} > /x\nFROM busybox\nCOPY --from=a /x /x\nRUN cat /x\n`;
    await room.build({ Dockerfile: Dockerfile(`echo ${word}`) });
    expect((await room.build({ Dockerfile: Dockerfile(`echo "${word}"`) })).cached).toHaveLength(2);
  });

  it("unless the caller wants none, or none for a stage", async () => {
    const Dockerfile = `FROM busybox AS a\nRUN echo ${unique()} > /a\nFROM busybox AS b\nCOPY --from=a /a /a\nRUN echo ${unique()} > /b\n`;
    const first = await room.build({ Dockerfile });
    const none = await room.build({}, { contextDir: first.contextDir, noCache: true });
    expect(none.cached).toEqual([]);
    const filtered = await room.build({}, { contextDir: first.contextDir, noCacheFilter: ["a"] });
    expect(filtered.cached).toHaveLength(2);
    expect((await room.build({}, { contextDir: first.contextDir })).cached).toHaveLength(3);
  });

  it("with the same image id from SOURCE_DATE_EPOCH, also when everything is done again", async () => {
    const args = { SOURCE_DATE_EPOCH: "1000000000" };
    const Dockerfile = "FROM busybox\nWORKDIR /w\nCOPY . .\nRUN mkdir d && echo x > d/x && ln -s x d/l && rm /etc/group\n";
    const files = { Dockerfile, a: unique() };
    const first = await room.build(files, { args });
    const again = await room.build(files, { args, noCache: true });
    expect([again.imageId, again.cached, again.image.config.created]).toEqual([first.imageId, [], "2001-09-09T01:46:40Z"]);
    const [top = ""] = room.images.layerDirs(first.imageId);
    expect(["w", "w/d", "w/d/x", "w/d/l"].map((path) => lstatSync(join(top, path)).mtimeMs)).toEqual(Array(4).fill(1e12));
  });
});

describe("builds at the same time", () => {
  it("run stages that do not need each other side by side", async () => {
    const id = unique();
    // Each waits for the other: one after the other, neither would end.
    const stage = (name: string, other: string) =>
      `FROM busybox AS ${name}\nRUN --mount=type=cache,target=/c,id=${id} touch /c/${name}; for i in $(seq 600); do test -e /c/${other} && echo ${name} > /x && exit 0; usleep 100000; done; exit 1\n`;
    const Dockerfile = `${stage("a", "b")}${stage("b", "a")}FROM scratch\nCOPY --from=a /x /a\nCOPY --from=b /x /b\n`;
    const built = await room.build({ Dockerfile });
    expect([built.read("a"), built.read("b")]).toEqual(["a\n", "b\n"]);
  });

  it("share the steps that are the same, and show their output to both", async () => {
    const Dockerfile = `FROM busybox\nRUN --mount=type=cache,target=/c,id=${unique()} echo said; usleep 300000; echo x >> /c/f; cat /c/f > /x\n`;
    const before = room.runs();
    const both = await Promise.all([room.build({ Dockerfile }), room.build({ Dockerfile })]);
    expect(room.runs() - before).toBe(1);
    expect(both.map((one) => [one.imageId, one.read("x"), one.output.includes("said")])).toEqual([
      [both[0]?.imageId, "x\n", true],
      [both[0]?.imageId, "x\n", true],
    ]);
  });

  it("that are cancelled leave nothing, and those that share with them go on", async () => {
    const Dockerfile = `FROM busybox\nRUN --mount=type=cache,target=/c,id=${unique()} echo begun; while test ! -e /c/go; do usleep 20000; done; echo x > /x\n`;
    const cancel = new AbortController();
    let begun = 0;
    const onEvent = (event: { type: string }) => {
      if (event.type === "log") begun += 1;
    };
    const first = room.build({ Dockerfile }, { signal: cancel.signal, onEvent });
    await until(() => begun > 0, { timeoutMs: 20_000, what: "the step's first words" });
    cancel.abort();
    await expect(first).rejects.toMatchObject({ code: "build/cancelled" });
    await until(() => leftovers(room).length === 0, { timeoutMs: 20_000, what: "nothing left" });
    expect(room.builder.diskUsage().some((record) => record.description.includes("/c/go"))).toBe(false);
  });
});

/** Mounts, scratch directories and unfinished layers of the room. */
function leftovers({ root }: BuildRoom): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(root));
  // Builds that put no files anywhere make no scratch directory.
  const scratch = existsSync(join(root, "build/scratch")) ? readdirSync(join(root, "build/scratch")) : [];
  return [...mounts, ...scratch, ...readdirSync(join(root, "image/tmp"))];
}

describe("the cache", () => {
  it("keeps within its cap: what was not used for longest goes first", async () => {
    const small = await buildRoom();
    try {
      const builder = new Builder({
        images: small.images,
        rootDir: join(small.root, "capped"),
        runner: small.runner,
        log: { info: () => {} },
        maxCacheBytes: 2_500_000,
      });
      const make = async (name: string) => {
        const contextDir = small.context({ Dockerfile: `FROM scratch\nCOPY ${name} /\n` });
        writeFileSync(join(contextDir, name), Buffer.alloc(1_000_000, name));
        const before = builder.diskUsage().length;
        await builder.build({ args: {}, contextDir }, { signal: new AbortController().signal, onEvent: () => {} });
        return before;
      };
      await make("one");
      await make("two");
      await make("one");
      await make("three");
      expect(
        builder
          .diskUsage()
          .map((record) => record.description.split(" ")[1])
          .sort(),
      ).toEqual(["one", "three"]);
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });

  it("is pruned by age, by size and by key, and the space is free at once", async () => {
    const mine = await buildRoom();
    try {
      const Dockerfile = "FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null\nRUN echo small > /small\n";
      const built = await mine.build({ Dockerfile });
      expect(mine.builder.prune({ unusedForMs: 3_600_000 })).toEqual({ keys: [], bytes: 0 });
      mine.images.remove(built.imageId, { force: true });
      expect(mine.builder.diskUsage()).toHaveLength(2);
      const kept = mine.builder.prune({ keepBytes: 1000 });
      expect(kept.bytes).toBeGreaterThan(3_000_000);
      const [left] = mine.builder.diskUsage();
      expect(mine.builder.prune({ keys: [left?.key ?? ""] }).keys).toHaveLength(left ? 1 : 0);
      expect(mine.builder.diskUsage()).toEqual([]);
    } finally {
      await mine[Symbol.asyncDispose]();
    }
  });

  it("takes a damaged record for none", async () => {
    const first = await room.build({ Dockerfile: `FROM busybox\nRUN echo ${unique()} > /x\n` });
    const records = join(room.root, "build/records");
    const names = readdirSync(records);
    const copy = join(room.root, "damaged");
    writeContext(copy, Object.fromEntries(names.map((name) => [`records/${name}`, "{broken"])));
    const builder = new Builder({ images: room.images, rootDir: copy, runner: room.runner, log: { info: () => {} } });
    const { imageId } = await builder.build(
      { args: {}, contextDir: first.contextDir },
      { signal: new AbortController().signal, onEvent: () => {} },
    );
    expect(room.images.get(imageId).config.rootfs.diff_ids).toHaveLength(2);
  });
});
