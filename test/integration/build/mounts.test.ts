import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildRoom, type Built, buildRoom } from "../../support/build-room.ts";
import { until } from "../../support/until.ts";

let room: BuildRoom;
beforeAll(async () => {
  room = await buildRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});

const files = { "a.txt": "A\n", "d/x": "x", ignored: "no", ".dockerignore": "ignored\n" };
const run = (...instructions: string[]) => `FROM busybox\n${instructions.join("\n")}\n`;
const secrets = [{ id: "s", value: Buffer.from("hush") }];
const exists = (built: Built, path: string) => room.images.layerDirs(built.imageId).some((directory) => existsSync(join(directory, path)));

describe("RUN --mount", () => {
  it("binds the context, read-only unless asked, and drops what is written to it", async () => {
    const built = await room.build({
      Dockerfile: run(
        "WORKDIR /w",
        "RUN --mount=type=bind,target=/ctx ls /ctx > /ls; touch /ctx/new 2>/dev/null || echo ro > /ro",
        "RUN --mount=target=/ctx,rw touch /ctx/new && ls /ctx > /rw",
        "RUN --mount=source=d,target=rel cat rel/x > /rel",
        "RUN --mount=source=a.txt,target=/one cat /one > /single",
        "RUN --mount=from=busybox,source=/etc,target=/e cat /e/group | head -1 > /image",
      ),
      ...files,
    });
    expect(["ls", "ro", "rel", "single", "image"].map((name) => built.read(name))).toEqual([
      "Dockerfile\na.txt\nd\n",
      "ro\n",
      "x",
      "A\n",
      "root:x:0:\n",
    ]);
    expect(built.read("rw")).toContain("new");
    expect([exists(built, "ctx"), exists(built, "one"), exists(built, "w/rel")]).toEqual([false, false, false]);
  });

  it("binds a stage, whose content is part of the key", async () => {
    const Dockerfile = (word: string) =>
      `FROM busybox AS s\nRUN echo ${word} > /f\nFROM busybox\nARG D=/vv\nRUN --mount=from=s,target=\${D} cat $D/f > /x\n`;
    expect((await room.build({ Dockerfile: Dockerfile("one") })).read("x")).toBe("one\n");
    expect((await room.build({ Dockerfile: Dockerfile("two") })).read("x")).toBe("two\n");
    // Other words, same content: what reads it is in the cache.
    const same = await room.build({ Dockerfile: Dockerfile('"two"') });
    expect(same.cached).toEqual(["[stage-1 2/2] RUN --mount=from=s,target=/vv cat /vv/f > /x"]);
  });

  it("keeps caches across builds, owned by the step's user unless told otherwise", async () => {
    const first = run("USER 33:33", "RUN --mount=type=cache,target=/c echo kept > /c/f && stat -c '%a %u' /c > /tmp/x");
    expect((await room.build({ Dockerfile: first })).read("tmp/x")).toBe("755 33\n");
    const second = run(
      "RUN --mount=type=cache,target=/other,id=/c cat /other/f > /x",
      "RUN --mount=type=cache,target=/m,mode=0700,uid=3,gid=4 stat -c '%a %u %g' /m > /y",
    );
    const built = await room.build({ Dockerfile: second });
    expect([built.read("x"), built.read("y"), exists(built, "other")]).toEqual(["kept\n", "700 3 4\n", false]);
    const seeded =
      "FROM busybox AS s\nRUN mkdir /o && echo seed > /o/f\nFROM busybox\nRUN --mount=type=cache,target=/c,id=seeded,from=s,source=/o cat /c/f > /x\n";
    expect((await room.build({ Dockerfile: seeded })).read("x")).toBe("seed\n");
  });

  it("lets one step at a time into a locked cache", async () => {
    const step = (name: string) =>
      `FROM busybox AS ${name}\nRUN --mount=type=cache,target=/c,id=lock,sharing=locked test ! -e /c/in && touch /c/in && usleep 200000 && rm /c/in && echo ${name} > /x\n`;
    const Dockerfile = `${step("a")}${step("b")}FROM scratch\nCOPY --from=a /x /a\nCOPY --from=b /x /b\n`;
    const built = await room.build({ Dockerfile });
    expect([built.read("a"), built.read("b")]).toEqual(["a\n", "b\n"]);
  });

  it("gives a tmpfs of a size", async () => {
    const built = await room.build({
      Dockerfile: run("RUN --mount=type=tmpfs,target=/t,size=1m df -k /t | tail -1 | awk '{print $2}' > /x; touch /t/y"),
    });
    expect([built.read("x"), exists(built, "t")]).toEqual(["1024\n", false]);
  });

  it("gives secrets as files and variables, and keeps them out of everything", async () => {
    const Dockerfile = run(
      "RUN --mount=type=secret,id=s cat /run/secrets/s > /u; stat -c ' %a %u %g' /run/secrets/s >> /u",
      "RUN --mount=type=secret,id=s,target=/x/y,mode=0444,uid=7,gid=8 stat -c '%a %u %g' /x/y > /v",
      "RUN --mount=type=secret,id=s,env=SEC echo $SEC > /w; ls /run/secrets 2>/dev/null || echo none >> /w",
      "RUN --mount=type=secret,id=missing ls /run/secrets 2>/dev/null || echo gone > /y",
    );
    const built = await room.build({ Dockerfile }, { secrets });
    expect(["u", "v", "w", "y"].map((name) => built.read(name))).toEqual(["hush 400 0 0\n", "444 7 8\n", "hush\nnone\n", "gone\n"]);
    expect([exists(built, "run"), exists(built, "x")]).toEqual([false, false]);
    expect(JSON.stringify(built.image.config)).not.toContain("hush");
    const other = await room.build({ Dockerfile }, { secrets: [{ id: "s", value: Buffer.from("changed") }] });
    expect(other.cached).toHaveLength(4);
    const required = room.build({ Dockerfile: run("RUN --mount=type=secret,id=nope,required true") });
    await expect(required).rejects.toMatchObject({ code: "build/secret-missing", message: "secret nope: not found" });
  });

  it("gives the caller's ssh agent, or an agent with the caller's key", async () => {
    const socket = join(room.root, "agent.sock");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    try {
      await until(() => existsSync(socket), { timeoutMs: 10_000, what: "ssh-agent (apt-get install openssh-client)" });
      const Dockerfile = run("RUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo $SSH_AUTH_SOCK > /x");
      const built = await room.build({ Dockerfile }, { ssh: [{ id: "default", paths: [socket] }] });
      expect(built.read("x")).toBe("/run/buildkit/ssh_agent.0\n");
      const key = join(room.root, "key");
      const made = spawn("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key], { stdio: "ignore" });
      await once(made, "exit");
      const withKey = await room.build(
        { Dockerfile: run("RUN --mount=type=ssh,id=k test -S $SSH_AUTH_SOCK && echo yes > /x") },
        { ssh: [{ id: "k", paths: [key] }] },
      );
      expect(withKey.read("x")).toBe("yes\n");
      const without = room.build({ Dockerfile: run("RUN --mount=type=ssh,required true") });
      await expect(without).rejects.toMatchObject({ code: "build/secret-missing" });
    } finally {
      const ended = once(agent, "exit");
      agent.kill();
      await ended;
    }
  });
});

describe("a step", () => {
  it("sees Docker's environment, identity and limits, and nothing of the machine", async () => {
    const built = await room.build({
      Dockerfile: run(
        "RUN env | sort > /env; id > /id; umask > /umask; hostname > /host; cat /etc/hosts > /hosts",
        "RUN --network=none ls /sys/class/net > /net",
        "USER www-data:bin",
        "RUN id > /tmp/id; echo $HOME >> /tmp/id; grep CapEff /proc/self/status >> /tmp/id",
        "USER 1234:5678",
        "RUN id > /tmp/nobody; echo $HOME >> /tmp/nobody",
      ),
    });
    expect(built.read("env")).toBe("HOME=/root\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nSHLVL=1\n");
    expect(["id", "umask", "host", "net", "tmp/id", "tmp/nobody"].map((name) => built.read(name))).toEqual([
      "uid=0(root) gid=0(root) groups=0(root)\n",
      "0022\n",
      "buildkitsandbox\n",
      "lo\n",
      "uid=33(www-data) gid=1(bin) groups=1(bin)\n/var/www\nCapEff:\t0000000000000000\n",
      "uid=1234 gid=5678 groups=5678\n/\n",
    ]);
  });

  it("cannot write what is mounted over /etc, and leaves none of it in the image", async () => {
    const built = await room.build({ Dockerfile: run("RUN echo x 2>/dev/null > /etc/hosts || echo refused > /x; touch /etc/own") });
    expect([built.read("x"), exists(built, "etc/hosts"), exists(built, "etc/resolv.conf"), exists(built, "etc/own")]).toEqual([
      "refused\n",
      false,
      false,
      true,
    ]);
  });

  it("ends with its first process", async () => {
    expect((await room.build({ Dockerfile: run("RUN (sleep 1000 &) ; echo x > /x") })).read("x")).toBe("x\n");
  });

  it("gets the sizes, limits and hosts that were asked for", async () => {
    const Dockerfile = run("RUN ulimit -n > /x; df -k /dev/shm | tail -1 | awk '{print $2}' >> /x");
    const o = { shmSize: 32 << 20, ulimits: [{ Name: "nofile", Soft: 1000, Hard: 1000 }] };
    expect((await room.build({ Dockerfile }, o)).read("x")).toBe("1000\n32768\n");
  });
});
