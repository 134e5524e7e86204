import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { EngineApi } from "../../support/engine-api.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let api: EngineApi;
let container: string;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  api = new EngineApi(berth.socket);
  container = await api.create({ Cmd: ["sleep", "1000"], HostConfig: { Init: true } });
  await api.json("POST", `/containers/${container}/start`);
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

const execOf = async (body: object): Promise<string> =>
  (await api.json<{ Id: string }>("POST", `/containers/${container}/exec`, { AttachStdin: true, AttachStdout: true, ...body })).Id;

const upgrade = ["Connection: Upgrade", "Upgrade: tcp"];

/** Starts an exec as Python's http.client does: the head in one packet, and the body in another when the engine has read the head. */
async function start(id: string, body: object, asked = upgrade): Promise<Socket> {
  const text = JSON.stringify(body);
  const socket = connect(berth.socket);
  const head = ["Host: x", ...asked, "Content-Type: application/json", `Content-Length: ${text.length}`];
  socket.write(`POST /v1.43/exec/${id}/start HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
  await api.json("GET", "/version"); // answered after what came before it
  socket.write(text);
  await new Promise<void>((resolve) => {
    let got = "";
    socket.on("data", function read(chunk) {
      got += chunk;
      if (!got.includes("\r\n\r\n")) return;
      socket.off("data", read);
      resolve();
    });
  });
  return socket;
}

async function rest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

it("takes input after a body that came later than its head", async () => {
  const socket = await start(await execOf({ Cmd: ["cat"] }), { Detach: false, Tty: false });
  socket.end("typed\n");
  expect(await rest(socket)).toContain("typed\n");
});

it("takes input from a client that asks for no upgrade, and its end", async () => {
  const socket = await start(await execOf({ Cmd: ["sh", "-c", "cat; echo over"] }), { Tty: false }, []);
  socket.end("typed\n");
  expect(await rest(socket)).toMatch(/typed\n[\s\S]*over\n/);
});

it("lets go of an exec's terminal by its keys, pressed one after the other", async () => {
  const socket = await start(await execOf({ Cmd: ["cat"], Tty: true }), { Tty: true });
  socket.write("\x10");
  await api.json("GET", "/version");
  socket.write("\x11");
  expect(await rest(socket)).not.toContain("^Q");
});

it("leaves a terminal with StdinOnce open to the next one when its keys let go of it", async () => {
  const id = await api.create({ Cmd: ["sh", "-c", "read line; echo got $line"], Tty: true, OpenStdin: true, StdinOnce: true });
  const attach = (): Socket => {
    const socket = connect(berth.socket);
    const path = `/v1.51/containers/${id}/attach?stream=1&stdin=1&stdout=1`;
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${upgrade.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`);
    return socket;
  };
  const first = attach();
  await api.json("POST", `/containers/${id}/start`);
  first.write("\x10\x11");
  await rest(first);
  const second = attach();
  second.write("again\n");
  expect(await rest(second)).toContain("got again");
  const wrong = api.bytes("POST", `/containers/${id}/attach?stream=1&stdout=1&detachKeys=foo`);
  await expect(wrong).rejects.toThrow("Invalid detach keys (foo) provided");
  await api.remove(id);
});

it("keeps the size that a terminal gets before it is there", async () => {
  const id = await execOf({ Cmd: ["sh", "-c", "read line; stty size"], Tty: true });
  const socket = await start(id, { Tty: true });
  await api.bytes("POST", `/exec/${id}/resize?h=20&w=70`);
  socket.write("\n");
  expect(await rest(socket)).toContain("20 70");
});

it("gives a privileged exec every capability, and the next one the container's own", async () => {
  const capabilities = async (body: object) => {
    const socket = await start(await execOf({ Cmd: ["sed", "-n", "s/^CapBnd:\\s*//p", "/proc/self/status"], Tty: true, ...body }), {
      Tty: true,
    });
    return BigInt(`0x${(await rest(socket)).trim()}`);
  };
  const usual = await capabilities({});
  const privileged = await capabilities({ Privileged: true });
  expect(privileged & usual).toBe(usual);
  expect(privileged).toBeGreaterThan(usual);
  expect(await capabilities({})).toBe(usual);
});

it("tells in its output that an exec was started before, with the status of success", async () => {
  const id = await execOf({ Cmd: ["cat"] });
  const first = await start(id, { Detach: false });
  const again = await api.bytes("POST", `/exec/${id}/start`, { Detach: false });
  expect(again.toString()).toContain(`exec command ${id} is already running`);
  first.end("still there\n");
  expect(await rest(first)).toContain("still there\n");
});

it("ends the input of an exec whose client was cut off with output unread", async () => {
  const id = await execOf({ Cmd: ["cat"] });
  const socket = await start(id, { Detach: false, Tty: false });
  socket.pause();
  socket.write("x".repeat(100_000));
  await until(async () => (await api.json<{ Running: boolean }>("GET", `/exec/${id}/json`)).Running, {
    timeoutMs: 30_000,
    what: "the exec",
  });
  await new Promise<void>((resolve) => {
    socket.once("readable", () => resolve()); // something came, and is left where it is
  });
  socket.destroy();
  await until(async () => !(await api.json<{ Running: boolean }>("GET", `/exec/${id}/json`)).Running, {
    timeoutMs: 30_000,
    what: "the exec",
  });
});

/** A request of a client that does not ask for an upgrade, and what it has got when `until` is in it. */
async function plain(path: string, until: string, say: (socket: Socket) => void): Promise<{ socket: Socket; got: string }> {
  const socket = connect(berth.socket);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
  let got = "";
  let hasSaid = false;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    got += String(chunk);
    if (!hasSaid && got.includes("\r\n\r\n")) {
      hasSaid = true;
      say(socket);
    }
    if (got.includes(until)) break;
  }
  return { socket, got };
}

it("takes input on a connection that was not asked to be upgraded", async () => {
  const id = await api.start({ Cmd: ["cat"], OpenStdin: true });
  const path = `/v1.51/containers/${id}/attach?stream=1&stdin=1&stdout=1`;
  const { socket, got } = await plain(path, "typed", (one) => one.write("typed\n"));
  expect(got).toMatch(/^HTTP\/1.1 200 OK\r\nContent-Type: application\/vnd.docker.raw-stream\r\n\r\n.*typed\n$/s);
  socket.destroy();
  await api.remove(id);
});

it("lets a client go who has no more input for a container that others may go on with", async () => {
  const id = await api.start({ Cmd: ["cat"], OpenStdin: true });
  const path = `/v1.51/containers/${id}/attach?stream=1&stdin=1&stdout=1`;
  const { socket } = await plain(path, "first", (one) => one.write("first\n"));
  socket.end();
  expect(await rest(socket)).toBe("");
  const again = await plain(path, "second", (one) => one.write("second\n"));
  again.socket.destroy();
  expect((await api.inspect(id)).State.Running).toBe(true);
  await api.remove(id);
});

it("tells somebody who asks for no stream nothing, at once", async () => {
  const socket = connect(berth.socket);
  socket.write(`POST /v1.51/containers/${container}/attach?stream=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
  expect(await rest(socket)).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\n$/s);
  expect(await api.bytes("GET", "/containers/%zz/json").catch((error: Error) => error.message)).toContain("not encoded rightly");
});

it("sends no output before the client has read the answer's head, which docker-py throws away what comes in one read with", async () => {
  const id = await execOf({ Cmd: ["echo", "quick"] });
  const socket = connect(berth.socket).pause();
  const text = "{}";
  const head = ["Host: x", ...upgrade, "Content-Type: application/json", `Content-Length: ${text.length}`];
  socket.write(`POST /exec/${id}/start HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n${text}`);
  await until(async () => (await api.json<{ ExitCode: number | null }>("GET", `/exec/${id}/json`)).ExitCode === 0, {
    timeoutMs: 20_000,
    what: "the exec's end",
  });
  const chunks: string[] = [];
  for await (const chunk of socket) chunks.push(String(chunk));
  expect(chunks[0]).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n.*\r\n\r\n$/s);
  expect(chunks.slice(1).join("")).toContain("quick\n");
});
