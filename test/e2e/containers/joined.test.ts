import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { expect, it } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { busyboxEngine } from "../../support/busybox-berth.ts";
import { until } from "../../support/until.ts";

const { api } = await busyboxEngine();

const idle: ContainerCreateBody = { Cmd: ["sleep", "100000"], StopSignal: "SIGKILL" };

it("who joins a network has its owner's name, hosts and resolver, and knows it by id", async () => {
  const { Id: network } = await api.json<{ Id: string }>("POST", "/networks/create", { Name: "joined" });
  const owner = await api.start({ ...idle, Hostname: "owner", HostConfig: { NetworkMode: "joined" } }, "net-owner");
  await api.start({ ...idle, HostConfig: { NetworkMode: "joined" } }, "net-other");
  const side = await api.start({ ...idle, HostConfig: { NetworkMode: "container:net-owner" } });
  const { HostConfig: hc, Config: config } = await api.inspect(side);
  expect([hc.NetworkMode, config.Hostname]).toEqual([`container:${owner}`, "owner"]);
  const seen = ["sh", "-c", "hostname; cat /etc/resolv.conf; grep owner /etc/hosts; nslookup net-other | grep -c 'Address.*[.]'"];
  expect((await api.exec(side, seen)).output).toBe((await api.exec(owner, seen)).output);
  for (const id of [side, owner, "net-other"]) await api.remove(id);
  await api.bytes("DELETE", `/networks/${network}`);
});

it("on the host's network it has the host's name and hosts, and is shown there before and after it runs", async () => {
  const id = await api.create({
    Cmd: ["sh", "-c", "hostname; cat /etc/hosts"],
    HostConfig: { NetworkMode: "host", ExtraHosts: ["x:10.1.2.3"] },
  });
  const networks = async () => Object.keys((await api.inspect(id)).NetworkSettings.Networks);
  expect([(await api.inspect(id)).Config.Hostname, await networks()]).toEqual([hostname(), ["host"]]);
  await api.bytes("POST", `/containers/${id}/start`);
  const { stdout } = await api.ended(id);
  expect(stdout).toBe(`${hostname()}\n${readFileSync("/etc/hosts", "utf8").replace(/\n?$/, "\n")}10.1.2.3\tx`);
  expect(await networks()).toEqual(["host"]);
  const [row] = await api.json<{ NetworkSettings: { Networks: object } }[]>("GET", `/containers/json?all=1&filters={"id":["${id}"]}`);
  expect(Object.keys(row?.NetworkSettings.Networks ?? {})).toEqual(["host"]);
  await api.remove(id);
});

it("shared memory is common to a shareable container and those who join it", async () => {
  const donor = await api.start({ ...idle, HostConfig: { IpcMode: "shareable", ShmSize: 1 << 20 } }, "shm-donor");
  const joined = await api.start({ ...idle, HostConfig: { IpcMode: "container:shm-donor" } });
  await api.exec(donor, ["sh", "-c", "echo common > /dev/shm/file"]);
  expect((await api.exec(joined, ["cat", "/dev/shm/file"])).output).toBe("common");
  const size = ["sh", "-c", "df -k /dev/shm | tail -1 | awk '{print $2}'"];
  expect([(await api.exec(donor, size)).output, (await api.exec(joined, size)).output]).toEqual(["1024", "1024"]);
  for (const id of [joined, donor]) await api.remove(id);
});

it("a private one is not joined", async () => {
  const donor = await api.start(idle);
  const id = await api.create({ ...idle, HostConfig: { IpcMode: `container:${donor}` } });
  await expect(api.bytes("POST", `/containers/${id}/start`)).rejects.toThrow(
    `failed to join IPC namespace: container ${donor}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  );
  await expect(api.create({ ...idle, HostConfig: { IpcMode: "container:nobody" } })).rejects.toThrow("No such container: nobody");
  for (const one of [id, donor]) await api.remove(one);
});

it("an exec's user is looked for when it is made", async () => {
  const id = await api.start(idle);
  await expect(api.json("POST", `/containers/${id}/exec`, { Cmd: ["id"], User: "nobody2" })).rejects.toThrow(
    "unable to find user nobody2: no matching entries in passwd file",
  );
  await api.remove(id);
});

it("a row quotes arguments with spaces, and names the protocol of every port", async () => {
  const id = await api.start({ Cmd: ["sh", "-c", "exec sleep 100000"], StopSignal: "SIGKILL", ExposedPorts: { "99": {} } });
  const [row] = await api.json<{ Command: string; Ports: unknown }[]>("GET", `/containers/json?filters={"id":["${id}"]}`);
  expect(row).toMatchObject({ Command: "sh -c 'exec sleep 100000'", Ports: [{ PrivatePort: 99, Type: "tcp" }] });
  await api.remove(id);
});

it("a probe whose program is not there has exit code -1, and a pause is no failure", async () => {
  const probed = (Test: string[]): ContainerCreateBody => ({ ...idle, Healthcheck: { Test, Interval: 50e6, Retries: 1 } });
  const [missing, good] = [await api.start(probed(["CMD", "/nosuch"])), await api.start(probed(["CMD", "true"]))];
  const health = async (id: string) => (await api.inspect(id)).State.Health;
  await until(async () => (await health(missing))?.Status === "unhealthy", { timeoutMs: 20_000, what: "a failed probe" });
  expect((await health(missing))?.Log[0]).toMatchObject({ ExitCode: -1, Output: expect.stringContaining("/nosuch") });
  await until(async () => (await health(good))?.Status === "healthy", { timeoutMs: 20_000, what: "a good probe" });
  await api.bytes("POST", `/containers/${good}/pause`);
  const last = (await health(good))?.Log.at(-1)?.Start;
  await api.bytes("POST", `/containers/${good}/unpause`);
  await until(async () => (await health(good))?.Log.at(-1)?.Start !== last, { timeoutMs: 20_000, what: "a probe after the pause" });
  expect((await health(good))?.Log.map((entry) => entry.ExitCode)).not.toContain(137);
  expect((await health(good))?.FailingStreak).toBe(0);
  for (const id of [missing, good]) await api.remove(id);
});
