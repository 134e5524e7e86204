import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { hasEnded } from "../../../src/system/index.ts";
import { busyboxEngine } from "../../support/busybox-berth.ts";
import { until } from "../../support/until.ts";

const { api } = await busyboxEngine();

const sh = (script: string): Pick<ContainerCreateBody, "Cmd"> => ({ Cmd: ["sh", "-c", script] });
const state = async (id: string) => (await api.inspect(id)).State;
const logged = (id: string, text: string) =>
  until(async () => (await api.logs(id)).stdout.includes(text), { timeoutMs: 20_000, what: `"${text}" in the log` });

/** One that has ended and waits for its parent does not count. */

describe("exit codes", () => {
  it.concurrent.each([
    ["its own", "exit 7", 7],
    ["0", "true", 0],
    ["255", "exit 255", 255],
    ["128 and the signal", "kill -9 $$", 137],
  ])("%s", async (_, script, code) => {
    // With an init, a signal that process 1 sends to itself is not ignored.
    expect((await api.run({ ...sh(script), HostConfig: { Init: true } })).exitCode).toBe(code);
  });

  it.concurrent.each([
    ["127 where there is no such command", ["no-such-command"], 127, 'exec: "no-such-command": executable file not found in $PATH'],
    ["127 where there is no such path", ["/no/such"], 127, "no such file or directory"],
    ["126 where it cannot be executed", ["/etc/passwd"], 126, "permission denied"],
    ["126 or 127 for a directory", ["/etc"], 126, "permission denied"],
  ])("%s", async (_, command, code, message) => {
    const id = await api.create({ Cmd: command });
    await expect(api.bytes("POST", `/containers/${id}/start`)).rejects.toThrow(message);
    expect(await state(id)).toMatchObject({ ExitCode: code, Status: "created", Running: false });
    await api.remove(id);
  });
});

describe("stop", () => {
  it.concurrent("sends SIGTERM, and the process ends by itself", async () => {
    const id = await api.start(sh("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"));
    await logged(id, "up");
    await api.bytes("POST", `/containers/${id}/stop`);
    expect(await api.ended(id)).toMatchObject({ exitCode: 3, stdout: "up\nbye" });
    await api.remove(id);
  });
  it.concurrent("sends the container's own signal", async () => {
    const id = await api.start({ ...sh("trap 'exit 4' USR1; echo up; while :; do sleep 0.05; done"), StopSignal: "SIGUSR1" });
    await logged(id, "up");
    await api.bytes("POST", `/containers/${id}/stop`);
    expect((await state(id)).ExitCode).toBe(4);
    await api.remove(id);
  });
  it.concurrent("kills after the grace who does not listen", async () => {
    const id = await api.start({ ...sh("trap '' TERM; echo up; while :; do sleep 0.05; done"), StopTimeout: 1 });
    await logged(id, "up");
    await api.bytes("POST", `/containers/${id}/stop`);
    expect(await state(id)).toMatchObject({ ExitCode: 137, OOMKilled: false });
    await api.remove(id);
  });
  it.concurrent("of a paused container works", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], StopSignal: "SIGKILL" });
    await api.bytes("POST", `/containers/${id}/pause`);
    expect((await state(id)).Status).toBe("paused");
    await api.bytes("POST", `/containers/${id}/stop`);
    expect((await state(id)).Status).toBe("exited");
    await api.remove(id);
  });
  it.concurrent("ends also what a container in the host's process namespace has left", async () => {
    const id = await api.start({ ...sh("sleep 98765 & sleep 1000"), StopSignal: "SIGKILL", HostConfig: { PidMode: "host" } });
    const { Pid } = await state(id);
    await api.bytes("POST", `/containers/${id}/stop`);
    await until(() => hasEnded(Pid), { timeoutMs: 10_000, what: "the process's end" });
    const left = await api.run({ ...sh("ps | grep -c '[s]leep 98765'"), HostConfig: { PidMode: "host" } });
    expect(left.stdout).toBe("0");
    await api.remove(id);
  });
});

describe("starts and removals at the same moment", () => {
  it.concurrent("two starts are one", async () => {
    const id = await api.create({ Cmd: ["sleep", "1000"] });
    await Promise.all([1, 2, 3].map(() => api.bytes("POST", `/containers/${id}/start`)));
    expect((await state(id)).Running).toBe(true);
    expect((await api.exec(id, ["sh", "-c", "ip -o link | grep -c eth"])).output).toBe("1");
    await api.remove(id);
  });
  it.concurrent("a removal during a start leaves nothing", async () => {
    const once = async () => {
      const id = await api.create({ Cmd: ["sleep", "1000"] });
      const [, removal] = await Promise.allSettled([api.bytes("POST", `/containers/${id}/start`), api.remove(id)]);
      expect(removal.status).toBe("fulfilled");
      await expect(api.inspect(id)).rejects.toThrow("No such container");
    };
    for (let round = 0; round < 10; round++) await Promise.all([once(), once(), once()]);
  });
  it.concurrent("many at once run, and one that cannot start harms no other", async () => {
    const good = await Promise.all([1, 2, 3, 4, 5].map(() => api.create({ Cmd: ["sleep", "1000"] })));
    const bad = await api.create({
      Cmd: ["true"],
      HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "203.0.113.77", HostPort: "1" }] } },
    });
    const results = await Promise.allSettled([...good, bad].map((id) => api.bytes("POST", `/containers/${id}/start`)));
    expect(results.map((result) => result.status)).toEqual([...good.map(() => "fulfilled"), "rejected"]);
    for (const id of good) expect((await state(id)).Running).toBe(true);
    await Promise.all([...good, bad].map((id) => api.remove(id)));
  });
});

describe("restart policies", () => {
  it.concurrent("who waits while the next start is due is told of the next end", async () => {
    const id = await api.start({ Cmd: ["false"], HostConfig: { RestartPolicy: { Name: "always" } } });
    const due = async () => (await state(id)).Status === "restarting";
    const next = () => api.json<{ StatusCode: number }>("POST", `/containers/${id}/wait`);
    await until(due, { timeoutMs: 30_000, what: "a start that is due" });
    expect((await next()).StatusCode).toBe(1);
    await until(due, { timeoutMs: 30_000, what: "another one" });
    const waiting = next();
    await api.bytes("POST", `/containers/${id}/stop`);
    expect((await waiting).StatusCode).toBe(1);
    await api.remove(id);
  });
  it.concurrent("on-failure starts it again as often as it was told, with growing pauses", async () => {
    const id = await api.start({ ...sh("echo once; exit 1"), HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } } });
    await until(async () => (await state(id)).Status === "exited", { timeoutMs: 30_000, what: "the last exit" });
    expect((await api.logs(id)).stdout).toBe("once\nonce\nonce");
    expect((await api.inspect(id)).RestartCount).toBe(2);
    const times = (await api.logs(id, "&timestamps=1")).stdout.split("\n").map((line) => Date.parse(line.split(" ")[0] ?? ""));
    const [a = 0, b = 0, c = 0] = times;
    expect(b - a).toBeGreaterThanOrEqual(100);
    expect(c - b).toBeGreaterThanOrEqual(200);
    // A start by hand gives it all its tries again, as in Docker.
    await api.bytes("POST", `/containers/${id}/start`);
    await logged(id, "once\nonce\nonce\nonce\nonce\nonce");
    await until(async () => (await state(id)).Status === "exited", { timeoutMs: 30_000, what: "the last exit" });
    expect((await api.inspect(id)).RestartCount).toBe(2);
    await api.remove(id);
  });
  it.concurrent("on-failure leaves a success alone", async () => {
    const id = await api.start({ Cmd: ["true"], HostConfig: { RestartPolicy: { Name: "on-failure" } } });
    expect((await api.ended(id)).state).toMatchObject({ Status: "exited", ExitCode: 0 });
    await api.remove(id);
  });
  it.concurrent("always starts it again whatever the code, until it is stopped", async () => {
    const id = await api.start({ ...sh("echo once"), HostConfig: { RestartPolicy: { Name: "always" } } });
    await logged(id, "once\nonce");
    await api.bytes("POST", `/containers/${id}/stop`);
    expect((await state(id)).Status).toBe("exited");
    const { stdout } = await api.logs(id);
    await api.bytes("POST", `/containers/${id}/start`);
    await until(async () => (await api.logs(id)).stdout.length > stdout.length, { timeoutMs: 10_000, what: "output of the start" });
    await api.remove(id);
  });
  it.concurrent("a killed container is not started again", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], HostConfig: { RestartPolicy: { Name: "always" } } });
    await api.bytes("POST", `/containers/${id}/kill`);
    expect((await api.ended(id)).state).toMatchObject({ Status: "exited", ExitCode: 137, Restarting: false });
    await api.remove(id);
  });
  it.concurrent("a kill while it waits to be started again leaves it down, and who waits for its end has it", async () => {
    const id = await api.start({ Cmd: ["false"], HostConfig: { RestartPolicy: { Name: "always" } } });
    await until(async () => (await api.inspect(id)).RestartCount >= 5 && (await state(id)).Restarting, {
      timeoutMs: 30_000,
      what: "a long pause",
    });
    const waited = api.json<{ StatusCode: number }>("POST", `/containers/${id}/wait?condition=next-exit`);
    await api.bytes("POST", `/containers/${id}/kill`);
    expect(await state(id)).toMatchObject({ Status: "exited", ExitCode: 1, Restarting: false, Running: false });
    expect((await waited).StatusCode).toBe(1);
    await api.remove(id);
  });
  it.concurrent("any signal is a stop where the container names none of its own", async () => {
    const body = {
      Cmd: ["sh", "-c", "trap 'exit 5' HUP; echo ready; while :; do sleep 0.05; done"],
      HostConfig: { RestartPolicy: { Name: "always" } },
    } as const;
    for (const [StopSignal, status] of [
      [undefined, "exited"],
      ["SIGTERM", "running"],
    ] as const) {
      const id = await api.start({ ...body, Cmd: [...body.Cmd], ...(StopSignal ? { StopSignal } : {}) });
      await until(async () => (await api.logs(id)).stdout.includes("ready"), { timeoutMs: 20_000, what: "the trap" });
      const { Pid } = await state(id);
      await api.bytes("POST", `/containers/${id}/kill?signal=HUP`);
      await until(async () => (await state(id)).Status === status && (await state(id)).Pid !== Pid, { timeoutMs: 20_000, what: status });
      await api.remove(id);
    }
  });
  it.concurrent("a start by hand begins to count anew", async () => {
    const id = await api.start({ Cmd: ["false"], HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 1 } } });
    const exhausted = async () => {
      await until(async () => (await state(id)).Status === "exited", { timeoutMs: 20_000, what: "the last end" });
      return (await api.inspect(id)).RestartCount;
    };
    expect(await exhausted()).toBe(1);
    const { stdout } = await api.logs(id);
    await api.bytes("POST", `/containers/${id}/start`);
    expect(await exhausted()).toBe(1);
    expect(stdout).toBe("");
    await api.remove(id);
  });
  it.concurrent("a container whose monitor was killed ends, and starts again where its policy says so", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 1 } } });
    const monitorOf = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[3]);
    const { Pid } = await state(id);
    process.kill(monitorOf(Pid), "SIGKILL");
    await until(async () => ![0, Pid].includes((await state(id)).Pid), { timeoutMs: 20_000, what: "the second run" });
    expect(hasEnded(Pid)).toBe(true);
    process.kill(monitorOf((await state(id)).Pid), "SIGKILL");
    expect((await api.ended(id)).state).toMatchObject({ Status: "exited", ExitCode: 137 });
    await api.remove(id);
  });
  it.concurrent("a container whose monitor was killed can be stopped all the same", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"] });
    const { Pid } = await state(id);
    process.kill(Number(readFileSync(`/proc/${Pid}/stat`, "utf8").split(" ")[3]), "SIGKILL");
    await api.bytes("POST", `/containers/${id}/stop`);
    expect(await state(id)).toMatchObject({ Status: "exited", ExitCode: 137 });
    await until(() => hasEnded(Pid), { timeoutMs: 10_000, what: "the process's end" });
    await api.remove(id);
  });
});

describe("health", () => {
  const health = (id: string, status: string) =>
    until(async () => (await state(id)).Health?.Status === status, { timeoutMs: 30_000, what: `health ${status}` });
  const second = 1e9;

  it.concurrent("is starting, then healthy, then unhealthy after as many failures as it may have", async () => {
    const check = {
      Test: ["CMD-SHELL", "echo probe; test -e /ok"],
      Interval: second / 5,
      StartPeriod: 60 * second,
      StartInterval: second / 10,
      Retries: 2,
    };
    const id = await api.start({ Cmd: ["sleep", "1000"], Healthcheck: check });
    expect((await state(id)).Health?.Status).toBe("starting");
    await until(async () => ((await state(id)).Health?.Log.length ?? 0) >= 3, { timeoutMs: 20_000, what: "probes" });
    // Failures in the start period do not count.
    expect((await state(id)).Health).toMatchObject({ Status: "starting", FailingStreak: 0 });
    await api.exec(id, ["touch", "/ok"]);
    await health(id, "healthy");
    await api.exec(id, ["rm", "/ok"]);
    await health(id, "unhealthy");
    const { Health } = await state(id);
    expect(Health?.FailingStreak).toBeGreaterThanOrEqual(2);
    expect(Health?.Log.at(-1)).toMatchObject({ ExitCode: 1, Output: "probe\n" });
    expect(Health?.Log.length).toBeLessThanOrEqual(5);
    await api.remove(id);
  });
  it.concurrent("a probe that takes too long is ended and fails", async () => {
    const check = { Test: ["CMD", "sleep", "7654"], Interval: second / 10, Timeout: second / 5, Retries: 1 };
    const id = await api.start({ Cmd: ["sleep", "1000"], Healthcheck: check });
    await health(id, "unhealthy");
    expect((await state(id)).Health?.Log.at(-1)).toMatchObject({ ExitCode: -1, Output: "Health check exceeded timeout (200ms)" });
    await until(async () => (await api.exec(id, ["sh", "-c", "ps | grep '[s]leep 7654' | wc -l"])).output <= "1", {
      timeoutMs: 10_000,
      what: "the probe's end",
    });
    await api.remove(id);
  });
  it.concurrent("a probe is told as an exec, and then what it says of the health", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], Healthcheck: { Test: ["CMD-SHELL", "exit 0"], Interval: second / 5 } });
    await health(id, "healthy");
    const told = (
      await api.bytes(
        "GET",
        `/events?since=1&until=${Math.ceil(Date.now() / 1000)}&filters=${encodeURIComponent(JSON.stringify({ container: [id] }))}`,
      )
    )
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: Record<string, string> } });
    const first = told.findIndex(({ Action }) => Action.startsWith("exec_create"));
    expect(told.slice(first, first + 4).map(({ Action }) => Action)).toEqual([
      "exec_create: /bin/sh -c exit 0",
      "exec_start: /bin/sh -c exit 0",
      "exec_die",
      "health_status: healthy",
    ]);
    const [create, , die] = told.slice(first).map(({ Actor }) => Actor.Attributes);
    expect(create?.["execID"]).toMatch(/^[0-9a-f]{64}$/);
    expect(die).toMatchObject({ execID: create?.["execID"], exitCode: "0", image: "busybox" });
    await api.remove(id);
  });
  it.concurrent("is unhealthy while nobody probes, and starting with its old probes after the next start", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], Healthcheck: { Test: ["CMD", "true"], Interval: second / 10 } });
    await health(id, "healthy");
    await api.bytes("POST", `/containers/${id}/pause`);
    expect((await state(id)).Health?.Status).toBe("unhealthy");
    await api.bytes("POST", `/containers/${id}/unpause`);
    await health(id, "healthy");
    await api.bytes("POST", `/containers/${id}/kill`);
    expect((await state(id)).Health).toMatchObject({ Status: "unhealthy", FailingStreak: 0 });
    await api.bytes("POST", `/containers/${id}/start`);
    expect((await state(id)).Health?.Log.length).toBeGreaterThan(0);
    await health(id, "healthy");
    await api.remove(id);
  });
  it.concurrent("a health check NONE switches off the image's", async () => {
    const id = await api.start({ Cmd: ["sleep", "1000"], Healthcheck: { Test: ["NONE"] } });
    expect((await state(id)).Health).toBeUndefined();
    await api.remove(id);
  });
});
