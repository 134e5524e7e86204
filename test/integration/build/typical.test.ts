import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BuildEvent } from "../../../src/api/index.ts";
import { Builder, type BuildRequest, type StepRunner } from "../../../src/build/index.ts";
import { ImageStore, loadArchive } from "../../../src/image/index.ts";
import { prepareHost, runStep } from "../../../src/runtime/index.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";

const root = mkdtempSync(join(tmpdir(), "berth-build-"));
const { host } = prepareHost();
const images = new ImageStore({ rootDir: join(root, "image") });
const signal = new AbortController().signal;
const runner: StepRunner = {
  run: ({ network, ...step }) =>
    runStep(
      { run: join(root, "run"), instance: "buildtest", host },
      { ...step, netns: network === "none" ? "none" : "host", hosts: "127.0.0.1 localhost\n", resolvConf: "" },
    ),
};
let builder: Builder;

beforeAll(async () => {
  images.open();
  await loadArchive(images, Readable.from([busyboxArchive()]), signal);
  builder = new Builder({ images, rootDir: join(root, "build"), runner, log: { info: () => {} } });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function context(files: Record<string, string>): string {
  const directory = mkdtempSync(join(root, "context-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

async function build(files: Record<string, string>, o: Partial<BuildRequest> = {}) {
  const events: BuildEvent[] = [];
  const contextDir = o.contextDir ?? context(files);
  const { imageId } = await builder.build({ args: {}, ...o, contextDir }, { signal, onEvent: (event) => events.push(event) });
  const read = (path: string) => {
    const layer = images.layerDirs(imageId).find((directory) => existsSync(join(directory, path)));
    return layer === undefined ? undefined : readFileSync(join(layer, path), "utf8");
  };
  const cached = events.flatMap((event) =>
    event.type === "vertex" && event.completedMs !== undefined && event.cached ? [event.name] : [],
  );
  return { imageId, contextDir, events, cached, read, image: images.get(imageId) };
}

const typical = `FROM busybox AS base
ENV GREETING=hello
WORKDIR /app
COPY . .
RUN echo "$GREETING $(cat a.txt)" > out.txt && id -u >> out.txt
FROM base
ARG WHO=you
USER www-data
EXPOSE 80 9000-9001/udp
HEALTHCHECK --interval=5s CMD wget -q localhost
LABEL a=b
CMD ["cat", "out.txt"]
`;

describe("a typical Dockerfile", () => {
  it("runs, copies and sets the configuration", async () => {
    const { read, image } = await build({ Dockerfile: typical, "a.txt": "world", ".dockerignore": "*.log\n", "b.log": "no" });
    expect(read("app/out.txt")).toBe("hello world\n0\n");
    expect(read("app/b.log")).toBeUndefined();
    expect(image.config.config).toMatchObject({
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "GREETING=hello"],
      WorkingDir: "/app",
      User: "www-data",
      ExposedPorts: { "80/tcp": {}, "9000/udp": {}, "9001/udp": {} },
      Healthcheck: { Test: ["CMD-SHELL", "wget -q localhost"], Interval: 5e9 },
      Labels: { a: "b" },
      Cmd: ["cat", "out.txt"],
    });
    expect(image.config.rootfs.diff_ids).toHaveLength(4);
    expect(image.config.history?.map((entry) => entry.created_by)).toContain("COPY . . # buildkit");
    for (const directory of images.layerDirs(image.id)) expect(existsSync(join(directory, "etc/resolv.conf"))).toBe(false);
  });

  it("is the same image when nothing changed, and runs nothing", async () => {
    const first = await build({ Dockerfile: typical, "a.txt": "again" });
    const startedMs = performance.now();
    const second = await build({}, { contextDir: first.contextDir });
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(second.imageId).toBe(first.imageId);
    expect(second.cached).toHaveLength(4);
  });

  it("does again only what a changed file reaches", async () => {
    const first = await build({ Dockerfile: typical, "a.txt": "one" });
    writeFileSync(join(first.contextDir, "a.txt"), "two");
    const second = await build({}, { contextDir: first.contextDir });
    expect(second.cached).toEqual(["[base 1/4] FROM docker.io/library/busybox:latest", "[base 2/4] WORKDIR /app"]);
    expect(second.read("app/out.txt")).toContain("hello two");
  });

  it("takes files of another stage and leaves unneeded stages alone", async () => {
    const Dockerfile =
      "FROM busybox AS a\nRUN echo x > /x && chown 33:33 /x\nFROM busybox AS unused\nRUN false\nFROM scratch\nCOPY --from=a /x /y/\n";
    expect((await build({ Dockerfile })).read("y/x")).toBe("x\n");
  });

  it("mounts caches, secrets and the context into a step, and leaves no trace of them", async () => {
    const Dockerfile =
      "FROM busybox\nRUN --mount=type=cache,target=/c --mount=type=secret,id=s --mount=type=bind,target=/ctx cat /run/secrets/s /ctx/a.txt > /out && touch /c/x\n";
    const { read, image } = await build({ Dockerfile, "a.txt": "ctx" }, { secrets: [{ id: "s", value: Buffer.from("hush ") }] });
    expect(read("out")).toBe("hush ctx");
    for (const directory of images.layerDirs(image.id))
      for (const path of ["c", "ctx", "run"]) expect(existsSync(join(directory, path))).toBe(false);
    expect(JSON.stringify(image.config)).not.toContain("hush");
  });

  it("writes heredocs and runs scripts of them", async () => {
    const Dockerfile =
      'FROM busybox\nENV V=1\nCOPY <<EOF <<"RAW" /h/\na "$V" \\n\nEOF\n$V\nRAW\nRUN <<X\necho one > /r\necho two >> /r\nX\n';
    const { read } = await build({ Dockerfile });
    expect([read("h/EOF"), read("h/RAW"), read("r")]).toEqual(['a "1" n\n', "$V\n", "one\ntwo\n"]);
  });

  it("keeps the file system of a failed step and says where it failed", async () => {
    const failing = build({ Dockerfile: "FROM busybox\n\nRUN echo said; echo left > /left; exit 37\n" });
    await expect(failing).rejects.toMatchObject({
      code: "build/step-failed",
      message: expect.stringContaining("exit code: 37"),
      place: { line: 3 },
    });
    const kept = images.list().find((image) => image.config.config?.Labels?.["dev.berth.failed-step"] === "Dockerfile:3");
    expect(readFileSync(join(images.layerDirs(kept!.id)[0]!, "left"), "utf8")).toBe("left\n");
  });

  it("says which line of which .dockerignore excluded a missing source", async () => {
    const failing = build({ Dockerfile: "FROM scratch\nCOPY secret.log /\n", "secret.log": "", ".dockerignore": "# x\n*.log\n" });
    await expect(failing).rejects.toMatchObject({ code: "build/copy-source-missing", message: expect.stringContaining("line 2 of") });
  });

  it("runs the triggers of its base, once", async () => {
    const base = await build({ Dockerfile: "FROM busybox\nONBUILD RUN echo   x > /triggered\n" }, { tags: ["berth-onbuild:1"] });
    expect(base.image.config.config?.OnBuild).toEqual(["RUN echo   x > /triggered"]);
    const child = await build({ Dockerfile: "FROM berth-onbuild:1\n" });
    expect(child.read("triggered")).toBe("x\n");
    expect(child.image.config.config?.OnBuild ?? []).toEqual([]);
  });

  it("makes the same image twice from SOURCE_DATE_EPOCH", async () => {
    const args = { SOURCE_DATE_EPOCH: "1700000000" };
    const { image } = await build({ Dockerfile: "FROM busybox\nCOPY a /a\n", a: "x" }, { args });
    expect(image.config.created).toBe("2023-11-14T22:13:20Z");
  });
});
