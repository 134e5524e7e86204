import { type AddressInfo, createServer } from "node:net";
import { execa } from "execa";
import { expect, test } from "vitest";
import { checkout } from "../../support/berth.ts";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { testProject } from "../../support/project.ts";

const berth = await busyboxBerth();

/** One `up -d` of this file: it fails, nothing is created, and what it says is answered. */
async function refused(compose: string, files: Record<string, string> = {}): Promise<string> {
  await using project = testProject(berth, compose, files);
  const answer = await project.try("up", "-d");
  expect(answer.exitCode, answer.stderr).not.toBe(0);
  expect((await berth.ok(["docker", "ps", "-aq", "--filter", `label=com.docker.compose.project=${project.name}`])).trim()).toBe("");
  expect((await berth.ok(["docker", "network", "ls", "-q", "--filter", `label=com.docker.compose.project=${project.name}`])).trim()).toBe(
    "",
  );
  return answer.stderr;
}

test("broken YAML: the place", async () => {
  expect(await refused("services:\n  a:\n    image: [busybox\n")).toMatch(/compose\.yaml:\d+:\d+: /);
});

test("a misspelt key: the place and the key that was meant", async () => {
  const text = await refused("services:\n  a:\n    image: busybox\n    comand: echo\n");
  expect(text).toMatch(/compose\.yaml:4:5: .*comand/);
  expect(text).toMatch(/[Dd]id you mean "command"\?/);
});

test("all the errors of a file at once", async () => {
  const text = await refused("services:\n  a:\n    image: busybox\n    comand: echo\n  b:\n    image: busybox\n    prots: [80]\n");
  expect(text).toContain("compose.yaml:4:5");
  expect(text).toContain("compose.yaml:7:5");
});

test("a dependency cycle is printed as the cycle", async () => {
  const service = (name: string, on: string) => `  ${name}:\n    image: busybox\n    depends_on: [${on}]\n`;
  expect(await refused(`services:\n${service("a", "b")}${service("b", "c")}${service("c", "a")}`)).toMatch(
    /a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c/,
  );
});

test("an unknown dependency: the services there are", async () => {
  expect(await refused("services:\n  web:\n    image: busybox\n    depends_on: [dbx]\n  db:\n    image: busybox\n")).toMatch(
    /dbx"?[\s\S]*(db, web|web, db|"db")/,
  );
});

test("an image that does not exist, where no registry can be reached", async () => {
  const text = await refused("services:\n  a:\n    image: registry.invalid/no/such:image\n");
  expect(text).toMatch(/service a: .*registry\.invalid/);
  expect(text).not.toMatch(/^\s+at /m);
});

test("an image name that is none: which service has it", async () => {
  const text = await refused('services:\n  a:\n    image: "Busy Box"\n  b:\n    image: busybox\n');
  expect(text).toMatch(/^service a: image: invalid reference format: repository name \(library\/Busy Box\) must be lowercase/m);
});

test("a port that is taken: the process that has it", async () => {
  const server = createServer().listen(0, "0.0.0.0");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo; // listening on a port, not a path
  await using project = testProject(
    berth,
    `services:\n  a:\n    image: busybox\n    command: sleep 1000\n    stop_signal: SIGKILL\n    ports: ["${port}:80"]\n`,
  );
  const answer = await project.try("up", "-d");
  server.close();
  expect(answer.exitCode).not.toBe(0);
  expect(answer.stderr).toContain(String(port));
  expect(answer.stderr).toContain(`pid ${process.pid}`);
  await project.berth("up", "-d");
});

test("a command that is not in the image: the service, the command", async () => {
  await using project = testProject(berth, "services:\n  a:\n    image: busybox\n    command: no-such-command\n");
  const answer = await project.try("up", "-d");
  expect(answer.exitCode).not.toBe(0);
  expect(answer.stderr).toMatch(/no-such-command.*not found/);
  expect(answer.stderr).toMatch(/a-1|service a/);
});

test("a volume source that is missing: its path", async () => {
  const text = await refused(
    "services:\n  a:\n    image: busybox\n    volumes: [{type: bind, source: ./nothing, target: /x}]\n".replace(
      "target",
      "bind: {create_host_path: false}, target",
    ),
  );
  expect(text).toMatch(/service a: bind \S+\/nothing on \/x: no such file or directory/);
});

test("no such service: the services there are", async () => {
  await using project = testProject(berth, "services:\n  web:\n    image: busybox\n");
  const answer = await project.try("up", "-d", "wbe");
  expect(answer.exitCode).not.toBe(0);
  expect(answer.stderr).toMatch(/no such service: wbe[\s\S]*Did you mean "web"\?/);
});

test("no compose file: where it was looked for", async () => {
  const answer = await berth.call(["up", "-d"], { cwd: "/run/berth-tests" });
  expect(answer.exitCode).not.toBe(0);
  expect(answer.stderr).toMatch(/compose\.yaml/);
});

test("not root: one clear error", async () => {
  // An unmapped user name space: user 65534, that can read what root can, wherever the checkout is.
  const answer = await execa("unshare", ["--user", process.execPath, `${checkout}/bin/berth`, "ps"], {
    reject: false,
    env: { BERTH_ROOT: "/run/berth-tests/none", BERTH_RUN: "/run/berth-tests/none" },
    cwd: `${checkout}/examples/guestbook`,
  });
  expect(result(answer)).not.toBe(0);
  expect(String(answer.stderr)).toMatch(/root/);
  expect(String(answer.stderr)).not.toMatch(/^\s+at /m);
});

const result = (answer: { exitCode?: number | undefined }) => answer.exitCode;
