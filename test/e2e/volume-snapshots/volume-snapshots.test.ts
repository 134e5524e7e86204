import { expect, test } from "vitest";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { testProject } from "../../support/project.ts";

// The named volumes of a project go back to a known state.
const berth = await busyboxBerth();

const file = `services:
  db:
    image: busybox
    command: sh -c 'echo begin >> /data/starts; trap "echo end >> /data/starts; exit 0" TERM; while :; do sleep 0.05; done'
    volumes: [data:/data, cache:/cache]
  other:
    image: busybox
    command: sleep 100000
    stop_signal: SIGKILL
volumes:
  data:
  cache:
`;

test("a snapshot is taken while what uses the volumes is stopped, and restored with owners, modes and links", async () => {
  await using project = testProject(berth, file);
  const inside = async (command: string) => (await project.berth("exec", "-T", "db", "sh", "-c", command)).trim();
  await project.berth("up", "-d");
  const other = await project.berth("ps", "-q", "other");
  await inside("echo one > /data/text; chown 33:7 /data/text; chmod 640 /data/text; ln -s text /data/link; mkdir -m 700 /data/empty");
  const before = await inside("cd /data; stat -c '%n %a %u %g %F' text link empty");
  await project.berth("volume", "snapshot", "first");
  expect(await inside("cat /data/starts")).toBe("begin\nend\nbegin");
  await inside("echo two > /data/text; rm -r /data/empty /data/link; echo new > /data/new; echo c > /cache/c");
  await project.berth("volume", "snapshot", "--volume", "cache");
  const list = (await project.berth("volume", "ls-snapshots", "--format", "json")).trim().split("\n");
  expect(list.map((line) => (JSON.parse(line) as { volumes: { name: string }[] }).volumes.map((volume) => volume.name).sort())).toEqual([
    [`${project.name}_cache`, `${project.name}_data`],
    [`${project.name}_cache`],
  ]);
  await project.berth("volume", "restore", "first");
  expect(await inside("cd /data; stat -c '%n %a %u %g %F' text link empty")).toBe(before);
  expect(await inside("cat /data/text /data/starts; ls /data /cache")).toBe(
    "one\nbegin\nend\nbegin\n/cache:\n\n/data:\nempty\nlink\nstarts\ntext",
  );
  // Of two without a name the newest; what does not use the volumes ran on.
  await project.berth("volume", "restore");
  expect(await inside("ls /cache")).toBe("c");
  expect(await project.berth("ps", "-q", "other")).toBe(other);
  expect(await project.berth("ps", "--services", "--status", "running")).toBe("db\nother");
});

test("comes back after the volumes were removed, and not over what somebody else runs with", async () => {
  await using project = testProject(berth, file);
  await project.berth("up", "-d", "db");
  await project.berth("exec", "-T", "db", "sh", "-c", "echo kept > /data/text");
  await project.berth("volume", "snapshot", "kept");
  await project.berth("down", "-v", "-t", "0");
  await project.berth("volume", "restore", "kept");
  await project.berth("up", "-d", "db");
  expect(await project.berth("exec", "-T", "db", "cat", "/data/text")).toBe("kept");
  await project.berth("docker", "run", "-d", "--name", "guest", "-v", `${project.name}_data:/d`, "busybox", "sleep", "1000");
  const refused = await project.try("volume", "restore", "kept");
  expect([refused.exitCode, refused.stderr]).toEqual([125, expect.stringContaining("guest, a container that is not of this project")]);
  await project.berth("docker", "rm", "-f", "guest");
  await project.berth("volume", "rm-snapshot", "kept");
  const gone = await project.try("volume", "restore", "kept");
  expect([gone.exitCode, gone.stderr]).toEqual([1, expect.stringContaining('has no snapshot "kept"')]);
});

test("what cannot be is said", async () => {
  await using project = testProject(berth, file);
  const none = await project.try("volume", "snapshot");
  expect([none.exitCode, none.stderr]).toEqual([125, expect.stringContaining("has no named volumes")]);
  await project.berth("up", "-d", "db");
  const unknown = await project.try("volume", "snapshot", "--volume", "dta");
  expect(unknown.stderr).toContain('has no volume "dta"');
  const name = await project.try("volume", "snapshot", "../x");
  expect(name.stderr).toContain('"../x" is no name for a snapshot');
  expect((await project.try("volume", "restore")).stderr).toContain("has no snapshot");
});
