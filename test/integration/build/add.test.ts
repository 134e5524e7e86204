import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildRoom, type Built, buildRoom } from "../../support/build-room.ts";
import { filesOfLayer, topLayer } from "../../support/top-layer.ts";

let room: BuildRoom;
beforeAll(async () => {
  room = await buildRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});

const lines = (...text: string[]) => ["FROM busybox", ...text, ""].join("\n");
const top = (built: Built) => topLayer(room, built);
const _files = (built: Built, path: string) => filesOfLayer(room, built, path);

describe("ADD", () => {
  let server: Server;
  let url: string;
  let requests: string[];
  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? "");
      if (request.url !== "/file.txt") return response.writeHead(404).end();
      return response.writeHead(200, { "Last-Modified": "Sun, 09 Sep 2001 01:46:40 GMT" }).end("remote");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    requests = [];
  });
  afterAll(() => server.close());

  it("unpacks archives by content, with their owners, and copies what is none", async () => {
    const contextDir = room.context({ "src/f": ["f", 0o640], "src/in/g": "g", "a.txt": "A" });
    execFileSync("chown", ["11:12", join(contextDir, "src/f")]);
    for (const [name, flag] of [
      ["t.tar", ""],
      ["t.tgz", "z"],
      ["t.bin", "J"],
    ])
      execFileSync("tar", [`-c${flag}f`, join(contextDir, name ?? ""), "-C", join(contextDir, "src"), "."]);
    execFileSync("sh", ["-c", "gzip -c a.txt > plain.gz"], { cwd: contextDir });
    writeFileSync(
      join(contextDir, "Dockerfile"),
      lines(
        "ADD t.tar /t",
        "ADD t.tgz /u/",
        "ADD t.bin /v/",
        "ADD plain.gz a.txt /w/",
        "ADD --chown=3:4 t.tar /z",
        "ADD --unpack=false t.tar /k/",
      ),
    );
    const built = await room.build({}, { contextDir });
    expect(["t/f", "u/in/g", "v/f", "z/f"].map((path) => built.stat(path))).toEqual(["640 11:12", "644 0:0", "640 11:12", "640 3:4"]);
    expect([built.stat("w/plain.gz"), built.read("w/a.txt"), built.stat("k/t.tar")]).toEqual(["644 0:0", "A", "644 0:0"]);
  });

  it("does not let an archive out of its directory", async () => {
    const contextDir = room.context({ Dockerfile: lines("ADD e.tar /x/") });
    mkdirSync(join(contextDir, "in"));
    writeFileSync(join(contextDir, "out"), "evil");
    execFileSync("tar", ["-cPf", join(contextDir, "e.tar"), "../out"], { cwd: join(contextDir, "in") });
    await expect(room.build({}, { contextDir })).rejects.toThrow(/cannot unpack [\s\S]*'\.\.'/);
  });

  it("downloads, checks the sum, and does not copy again what is the same", async () => {
    const sum = createHash("sha256").update("remote").digest("hex");
    const Dockerfile = lines(`ADD ${url}/file.txt /r/`, `ADD --chmod=644 --checksum=sha256:${sum} ${url}/file.txt /named`);
    const built = await room.build({ Dockerfile });
    expect([built.read("r/file.txt"), built.stat("r/file.txt"), built.stat("named")]).toEqual(["remote", "600 0:0", "644 0:0"]);
    expect(lstatSync(join(top(built), "named")).mtimeMs).toBe(1e12);
    expect((await room.build({ Dockerfile })).cached).toHaveLength(2);
    const wrong = room.build({ Dockerfile: lines(`ADD --checksum=sha256:${"0".repeat(64)} ${url}/file.txt /r`) });
    await expect(wrong).rejects.toMatchObject({
      code: "build/checksum",
      message: expect.stringContaining(`digest mismatch sha256:${sum}`),
    });
    await expect(room.build({ Dockerfile: lines(`ADD ${url}/none /r`) })).rejects.toThrow("the server answered 404");
  });

  it("clones git repositories at a revision, without .git unless asked, and checks the commit", async () => {
    const repository = room.context({ "in/f": "v1" });
    const git = (...args: string[]) =>
      execFileSync("git", ["-C", repository, "-c", "user.name=t", "-c", "user.email=t@t", ...args], {
        encoding: "utf8",
        stdio: "pipe",
      }).trim();
    git("init", "-q", "-b", "main");
    git("add", ".");
    git("commit", "-qm", "one");
    git("tag", "v1");
    const commit = git("rev-parse", "HEAD");
    writeFileSync(join(repository, "in/f"), "v2");
    git("commit", "-qam", "two");
    const bare = join(room.root, "served.git");
    execFileSync("git", ["clone", "-q", "--bare", repository, bare]);
    execFileSync("git", ["-C", bare, "update-server-info"]);
    const dumb = createServer((request, response) => {
      const path = join(bare, decodeURIComponent((request.url ?? "").split("?")[0] ?? "").replace(/^\/served\.git/, ""));
      if (!existsSync(path) || lstatSync(path).isDirectory()) return response.writeHead(404).end();
      return import("node:fs").then(({ createReadStream }) => createReadStream(path).pipe(response.writeHead(200)));
    });
    await new Promise<void>((resolve) => dumb.listen(0, "127.0.0.1", resolve));
    const address = dumb.address();
    const remote = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/served.git`;
    try {
      const built = await room.build({
        Dockerfile: lines(
          `ADD ${remote}#v1:in /one`,
          `ADD ${remote} /two`,
          `ADD --keep-git-dir ${remote}#main /three`,
          `ADD --checksum=${commit} ${remote}#v1 /four`,
        ),
      });
      expect([built.read("one/f"), built.read("two/in/f"), built.read("two/.git/HEAD"), built.read("four/in/f")]).toEqual([
        "v1",
        "v2",
        undefined,
        "v1",
      ]);
      expect(built.stat("three/.git")).toBe("755 0:0");
      expect((await room.build({ Dockerfile: "" }, { remote: `${remote}#main:in`, dockerfileInline: lines("COPY f /f") })).read("f")).toBe(
        "v2",
      );
      await expect(room.build({ Dockerfile: lines(`ADD --checksum=${"0".repeat(40)} ${remote} /x`) })).rejects.toMatchObject({
        code: "build/checksum",
      });
    } finally {
      dumb.close();
    }
  });
});
