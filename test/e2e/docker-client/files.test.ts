import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import Dockerode from "dockerode";
import { extract } from "tar-stream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive, type TarEntry, tarArchive } from "../../support/busybox-image.ts";

let berth: Berth;
let docker: Dockerode;
/** A directory of this host that no container may reach. */
let canary: string;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  docker = new Dockerode({ socketPath: berth.socket });
  canary = mkdtempSync("/var/tmp/berth-canary-");
  writeFileSync(`${canary}/secret`, "of the host");
});
afterAll(async () => {
  rmSync(canary, { recursive: true, force: true });
  await berth[Symbol.asyncDispose]();
});

async function run(script: string, more: Dockerode.ContainerCreateOptions = {}): Promise<Dockerode.Container> {
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["sh", "-c", `${script}; touch /ready; exec sleep 1000`],
    ...more,
  });
  await container.start();
  await exec(container, "until [ -e /ready ]; do :; done");
  return container;
}

async function exec(container: Dockerode.Container, script: string): Promise<string> {
  const made = await container.exec({ Cmd: ["sh", "-c", script], AttachStdout: true, AttachStderr: true, Tty: true });
  return text(await made.start({ Tty: true }));
}

/** A tar as "name -> content", directories with a "/" and links with an arrow. */
async function entries(tar: NodeJS.ReadableStream): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const reader = extract();
  reader.on("entry", ({ name, type, linkname }, content, next) => {
    const parts: Buffer[] = [];
    content.on("data", (part) => parts.push(part as Buffer)); // an entry's chunks are always buffers
    content.on("error", () => {}); // the archive was cut off: the pipeline says so
    content.on("end", () => {
      found[name] = type === "file" ? Buffer.concat(parts).toString() : type === "directory" ? "" : `-> ${linkname}`;
      next();
    });
  });
  await pipeline(tar, reader);
  return found;
}

const archive = async (container: Dockerode.Container, path: string) => entries(await container.getArchive({ path }));

async function pathStat(container: Dockerode.Container, path: string): Promise<Record<string, unknown>> {
  const response = (await container.infoArchive({ path })) as { headers: Record<string, string> }; // dockerode hands the response out
  return JSON.parse(Buffer.from(response.headers["x-docker-container-path-stat"] ?? "", "base64").toString());
}

const put = (container: Dockerode.Container, path: string, entries: readonly TarEntry[], query: object = {}) =>
  container.putArchive(tarArchive(entries), { path, ...query });

it("gives files out by Docker's rules of names and links", async () => {
  const container = await run("mkdir -p /t/d; echo x >/t/a; ln -s /t/a /t/l; ln -s /t /tl; ln /t/a /t/d/hard");
  expect(await archive(container, "/t")).toEqual({ "t/": "", "t/a": "x\n", "t/d/": "", "t/d/hard": "-> t/a", "t/l": "-> /t/a" });
  expect(Object.keys(await archive(container, "/t/."))[0]).toBe("./");
  expect(await archive(container, "/tl")).toEqual({ tl: "-> /t" });
  expect(Object.keys(await archive(container, "/tl/"))).toContain("tl/a");
  expect(await archive(container, "/t/l")).toEqual({ l: "-> /t/a" });
  expect(await pathStat(container, "/t/l")).toMatchObject({ name: "l", linkTarget: "/t/a", mode: 2 ** 27 + 0o777 });
  expect(await pathStat(container, "/tl/l")).toMatchObject({ linkTarget: "/t/a" });
  expect(await pathStat(container, "/t")).toMatchObject({ name: "t", linkTarget: "", mode: 2 ** 31 + 0o755 });
  await expect(container.getArchive({ path: "/nope" })).rejects.toMatchObject({ statusCode: 404 });
  await expect(container.infoArchive({ path: "/t/a/b" })).rejects.toMatchObject({ statusCode: 404 });
});

it("takes files in, with their owners and times, into a running, a stopped and a never started container and their volumes", async () => {
  const container = await docker.createContainer({
    Image: "busybox",
    Cmd: ["sleep", "1000"],
    HostConfig: { Mounts: [{ Type: "volume", Source: "files", Target: "/v" }] } as Dockerode.HostConfig, // the typings ask for more than the API
  });
  await put(container, "/v", [{ name: "before", data: "1" }]);
  await container.start();
  await put(container, "/v", [
    { name: "sub", type: "directory", mode: 0o700, uid: 5 },
    { name: "sub/file", data: "22", uid: 5, gid: 6, mode: 0o640, mtime: 86400 },
  ]);
  expect(await exec(container, "cat /v/before; stat -c ' %n %u %g %a %Y' /v/sub/file /v/sub")).toMatch(
    /1 \/v\/sub\/file 5 6 640 86400\s+\/v\/sub 5 0 700/,
  );
  await container.stop({ t: 0 });
  await put(container, "/tmp", [{ name: "after", data: "333" }]);
  expect(await archive(container, "/v")).toEqual({ "v/": "", "v/before": "1", "v/sub/": "", "v/sub/file": "22" });
  await container.start();
  expect(await exec(container, "cat /tmp/after")).toBe("333");
  await container.remove({ force: true });
});

it("replaces what it is told to, and nothing where it may not", async () => {
  const container = await run("mkdir -p /d/x/y; echo f >/d/f");
  const asFile = [{ name: "x", data: "now a file" }];
  await expect(put(container, "/d", asFile, { noOverwriteDirNonDir: true })).rejects.toThrow(
    'cannot overwrite directory "x" with non-directory "/d"',
  );
  await put(container, "/d", asFile);
  expect(await exec(container, "cat /d/x")).toBe("now a file");
  await expect(put(container, "/d/f", asFile)).rejects.toMatchObject({ statusCode: 400, reason: expect.anything() });
  await expect(put(container, "/none", asFile)).rejects.toMatchObject({ statusCode: 404 });
  const readOnly = await run("true", { HostConfig: { Binds: [`${canary}:/c:ro`] } });
  await expect(put(readOnly, "/c", asFile)).rejects.toThrow("mounted volume is marked read-only");
  expect(readdirSync(canary)).toEqual(["secret"]);
});

it("stays in the container through links in the archive, links in the container and `..`", async () => {
  const container = await run(`mkdir /in; ln -s ${canary} /in/out; ln -s / /in/up`);
  await put(container, "/in", [
    { name: "link", type: "symlink", link: canary },
    { name: "up/through", data: "inside" },
  ]);
  for (const name of ["../escaped", "../../../../escaped", "a/../../escaped"])
    await expect(put(container, "/in", [{ name, data: "x" }])).rejects.toThrow(`invalid entry name "${name}"`);
  await expect(put(container, "/in", [{ name: "link/planted", data: "x" }])).rejects.toThrow();
  await expect(put(container, "/in/out", [{ name: "planted", data: "x" }])).rejects.toThrow();
  await expect(put(container, "/in", [{ name: "hard", type: "hardlink", link: "out/secret" }])).rejects.toThrow();
  expect(await exec(container, "cat /through; ls /escaped /in/escaped 2>/dev/null || :")).toBe("inside");
  await expect(archive(container, "/in/out/")).rejects.toThrow();
  expect(readdirSync(canary)).toEqual(["secret"]);
});

it("stays in the container while it swaps a directory and a link under the archive's hands", async () => {
  const swap = `mkdir -p /s/d /s/real; ln -s ${canary} /s/l; (while :; do mv /s/d /s/h; mv /s/l /s/d; mv /s/d /s/l; mv /s/h /s/d; done) >/dev/null 2>&1 & :`;
  const container = await run(swap);
  const seen = new Set<string>();
  for (let round = 0; round < 60; round++) {
    await put(container, "/s/d", [
      { name: "planted", data: "x" },
      { name: "sub/planted", data: "x" },
    ]).catch(() => {});
    await put(container, "/s", [{ name: "d/planted", data: "x" }]).catch(() => {});
    for (const [name, content] of Object.entries(await archive(container, "/s/").catch(() => ({})))) seen.add(`${name} ${content}`);
  }
  expect([...seen].filter((line) => line.includes("of the host"))).toEqual([]);
  expect(readdirSync(canary)).toEqual(["secret"]);
});

it("takes a compressed archive of many megabytes as a stream", async () => {
  const container = await run("true");
  const size = 48 * 1024 * 1024;
  const big = tarArchive([{ name: "big", data: Buffer.alloc(size, 7) }]);
  await container.putArchive(Readable.from(big).pipe(createGzip()), { path: "/tmp" });
  expect(await exec(container, "stat -c %s /tmp/big")).toContain(String(size));
});

it("shows what a container has changed, exports it, and makes an image of it", async () => {
  const container = await run("rm /etc/passwd; echo more >>/etc/group; mkdir /new");
  expect(await container.changes()).toEqual(
    expect.arrayContaining([
      { Path: "/etc", Kind: 0 },
      { Path: "/etc/group", Kind: 0 },
      { Path: "/etc/passwd", Kind: 2 },
      { Path: "/new", Kind: 1 },
    ]),
  );
  const names = Object.keys(await entries(await container.export()));
  expect(names).toEqual(expect.arrayContaining([".dockerenv", "bin/busybox", "etc/group", "new/"]));
  expect(names).not.toContain("etc/passwd");
  const { Id } = (await container.commit({ repo: "made", tag: "1", comment: "by hand", changes: ["CMD cat /etc/group", "ENV A=b"] })) as {
    Id: string;
  };
  expect(await docker.getImage("made:1").inspect()).toMatchObject({
    Id,
    Comment: "by hand",
    Config: { Env: expect.arrayContaining(["A=b"]) },
  });
  const [, output] = [await container.remove({ force: true }), await berth.ok(["docker", "run", "--rm", "made:1"])];
  expect(output).toContain("more");
});

it("an untouched container has changed nothing", async () => {
  const container = await docker.createContainer({ Image: "busybox", Cmd: ["true"] });
  await container.start();
  await container.wait();
  expect(String(await container.changes()).trim()).toBe("null");
});

it("tells what a running container uses, with the sample before, and zeros of one that does not run", async () => {
  const container = await run("true");
  const once = (await container.stats({ stream: false })) as Dockerode.ContainerStats;
  expect(once.memory_stats.usage).toBeGreaterThan(0);
  expect(once.pids_stats?.current).toBe(1);
  expect(once.cpu_stats.system_cpu_usage).toBeGreaterThan(once.precpu_stats.system_cpu_usage);
  expect(once.networks["eth0"]).toHaveProperty("rx_bytes");
  const stream = (await container.stats({ stream: true })) as NodeJS.ReadableStream;
  const first = await new Promise<string>((resolve) => stream.once("data", (data: Buffer) => resolve(String(data))));
  expect(JSON.parse(first)).toMatchObject({ preread: "0001-01-01T00:00:00Z", name: expect.stringMatching(/^\//) });
  (stream as unknown as { destroy(): void }).destroy();
  await container.stop({ t: 0 });
  expect(await container.stats({ stream: false })).toMatchObject({ read: "0001-01-01T00:00:00Z", memory_stats: {} });
});
