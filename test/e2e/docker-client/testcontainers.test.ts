import { text } from "node:stream/consumers";
import { GenericContainer, Network, type StartedTestContainer, Wait } from "testcontainers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";

let berth: Berth;
const started: StartedTestContainer[] = [];

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  // How a user points Testcontainers at an engine. Its reaper's image comes from a registry, which is not asked here.
  process.env["DOCKER_HOST"] = `unix://${berth.socket}`;
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
});
afterAll(async () => {
  await Promise.all(started.map((container) => container.stop({ timeout: 0 })));
  await berth[Symbol.asyncDispose]();
});

const begin = async (container: GenericContainer): Promise<StartedTestContainer> => {
  const running = await container.start();
  started.push(running);
  return running;
};

const page = "mkdir -p /w; echo welcome >/w/index.html; exec httpd -f -p 8080 -h /w";

it("waits for a port, and the mapped one answers", async () => {
  const web = await begin(new GenericContainer("busybox").withCommand(["sh", "-c", page]).withExposedPorts(8080));
  const answer = await fetch(`http://${web.getHost()}:${web.getMappedPort(8080)}/`);
  expect(await answer.text()).toBe("welcome\n");
});

it("waits for a line of the log, for an HTTP answer and for health", async () => {
  const line = await begin(
    new GenericContainer("busybox")
      .withCommand(["sh", "-c", "echo booting; echo ready; exec sleep 1000"])
      .withWaitStrategy(Wait.forLogMessage(/ready/)),
  );
  const log = await line.logs();
  const first = await new Promise<string>((resolve) => log.once("data", (data: Buffer | string) => resolve(String(data))));
  log.destroy();
  expect(first).toContain("booting");
  await begin(
    new GenericContainer("busybox")
      .withCommand(["sh", "-c", page])
      .withExposedPorts(8080)
      .withWaitStrategy(Wait.forHttp("/index.html", 8080)),
  );
  await begin(
    new GenericContainer("busybox")
      .withCommand(["sh", "-c", "touch /healthy; exec sleep 1000"])
      .withHealthCheck({ test: ["CMD-SHELL", "test -e /healthy"], interval: 100, timeout: 5_000, retries: 50 })
      .withWaitStrategy(Wait.forHealthCheck()),
  );
});

it("waits for a command that ends well, in a container that runs once", async () => {
  const once = await new GenericContainer("busybox").withCommand(["sh", "-c", "exit 0"]).withWaitStrategy(Wait.forOneShotStartup()).start();
  await once.stop();
});

it("copies content and archives in before the start, and runs commands inside", async () => {
  const container = await begin(
    new GenericContainer("busybox")
      .withCopyContentToContainer([{ content: "from the test", target: "/etc/app/config", mode: 0o640 }])
      .withEnvironment({ A: "b" })
      .withUser("0")
      .withWorkingDir("/etc/app")
      .withCommand(["sleep", "1000"]),
  );
  expect(await container.exec(["sh", "-c", "cat config; echo $A; stat -c %a config"])).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining("from the testb\n640"),
  });
  expect(await container.exec(["sh", "-c", "echo no >&2; exit 7"])).toMatchObject({ exitCode: 7, stderr: "no\n" });
  await container.copyContentToContainer([{ content: "later", target: "/tmp/later" }]);
  expect((await container.exec(["cat", "/tmp/later"])).output).toBe("later");
  expect((await text(await container.copyArchiveFromContainer("/tmp/later"))).includes("later")).toBe(true);
});

it("reaches one container from another by its alias, and restarts it", async () => {
  const network = await new Network().start();
  const web = await begin(
    new GenericContainer("busybox").withCommand(["sh", "-c", page]).withNetwork(network).withNetworkAliases("web").withExposedPorts(8080),
  );
  const client = await begin(new GenericContainer("busybox").withCommand(["sleep", "1000"]).withNetwork(network));
  expect((await client.exec(["wget", "-qO-", "http://web:8080/"])).output).toBe("welcome\n");
  await web.restart({ timeout: 0 });
  expect((await client.exec(["wget", "-qO-", "http://web:8080/"])).output).toBe("welcome\n");
  await Promise.all([web, client].map((container) => container.stop({ timeout: 0 })));
  started.splice(0, started.length, ...started.filter((container) => container !== web && container !== client));
  await network.stop();
});
