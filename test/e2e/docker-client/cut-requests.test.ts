import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive, tarArchive } from "../../support/busybox-image.ts";
import { EngineApi } from "../../support/engine-api.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let api: EngineApi;
let running: string;
let created: string;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  api = new EngineApi(berth.socket);
  running = await api.start({ Cmd: ["sleep", "1000"], OpenStdin: true, HostConfig: { Init: true } });
  created = await api.create({ Cmd: ["cat"], OpenStdin: true });
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

const upgrade = ["Connection: Upgrade", "Upgrade: tcp"];
const webSocket = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];

/** A request as a client writes it, of whose body `sent` bytes are sent at once. */
function begun(head: string, headers: readonly string[] = [], body: Buffer | string = "", sent = body.length): Socket {
  const socket = connect({ path: berth.socket, allowHalfOpen: true });
  socket.on("error", () => {});
  const length = body.length > 0 ? [`Content-Length: ${body.length}`] : [];
  socket.write(`${head} HTTP/1.1\r\n${["Host: x", ...headers, ...length].join("\r\n")}\r\n\r\n`);
  if (sent > 0) socket.write(Buffer.from(body).subarray(0, sent));
  return socket;
}

async function execOf(body: object): Promise<string> {
  const made = await api.json<{ Id: string }>("POST", `/containers/${running}/exec`, { AttachStdin: true, AttachStdout: true, ...body });
  return made.Id;
}
const execStart = async (body: object, tty = false, sent?: number) =>
  begun(`POST /exec/${await execOf({ Tty: tty, ...body })}/start`, [...upgrade, "Content-Type: application/json"], `{"Tty":${tty}}`, sent);

/** Everything that a client may be cut off from, and what it does until then. */
function cuts(): Record<string, () => Socket | Promise<Socket>> {
  const archive = tarArchive([{ name: "big", data: Buffer.alloc(300_000) }]);
  const context = tarArchive([{ name: "Dockerfile", data: "FROM busybox\nRUN sleep 1000\n" }]);
  const tar = ["Content-Type: application/x-tar"];
  return {
    "a body": () => begun("POST /containers/create", ["Content-Type: application/json"], '{"Image":"busybox"}'.repeat(20), 30),
    "the body of an upgrade": () => execStart({ Cmd: ["cat"] }, false, 5),
    events: () => begun("GET /events"),
    logs: () => begun(`GET /containers/${running}/logs?follow=1&stdout=1`),
    stats: () => begun(`GET /containers/${running}/stats`),
    wait: () => begun(`POST /containers/${running}/wait`),
    "the wait for a removal": () => begun(`POST /containers/${running}/wait?condition=removed`),
    attach: () => begun(`POST /containers/${running}/attach?stream=1&stdin=1&stdout=1`, upgrade),
    "the attach to what was never started": () => begun(`POST /containers/${created}/attach?stream=1&stdin=1&stdout=1`, upgrade),
    websocket: () => begun(`GET /containers/${running}/attach/ws?stream=1&stdin=1&stdout=1`, webSocket),
    exec: () => execStart({ Cmd: ["cat"] }),
    terminal: () => execStart({ Cmd: ["sh"], Tty: true }, true),
    "a terminal that says nothing": () => execStart({ Cmd: ["sleep", "900"], Tty: true }, true),
    "output without end": () => execStart({ Cmd: ["yes"] }),
    context: () => begun("POST /build", tar, archive, 60_000),
    step: () => begun("POST /build?nocache=1", tar, context),
    "files in": () => begun(`PUT /containers/${running}/archive?path=/tmp`, tar, archive, 70_000),
    "files out": () => begun(`GET /containers/${running}/export`),
    load: () => begun("POST /images/load", tar, busyboxArchive(), 900_000),
  };
}

interface Held {
  readonly descriptors: number;
  readonly processes: number;
  readonly builds: number;
}

/** What the engine holds for its clients. */
async function held(): Promise<Held> {
  const pid = berth.enginePid();
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // closed meanwhile
    }
  });
  const { Processes } = await api.json<{ Processes: string[][] }>("GET", `/containers/${running}/top`);
  const descriptors = links.filter((link) => /^socket:|\/pt|\.log$|\.archive$|inotify/.test(link)).length;
  return { descriptors, processes: Processes.length, builds: readdirSync(`${berth.root}/build/scratch`).length };
}

it.each([
  ["at once", false],
  ["after the first answer", true],
])("holds nothing for clients that were cut off %s, and goes on", async (_, answered) => {
  const pid = berth.enginePid();
  const before = await held();
  for (let round = 0; round < 3; round++)
    for (const [kind, begin] of Object.entries(cuts())) {
      const socket = await begin();
      const hasAnswer = !["a body", "the body of an upgrade", "files in", "load", "context"].includes(kind);
      if (answered && hasAnswer) await new Promise((resolve) => socket.once("data", resolve));
      else await new Promise((resolve) => socket.write("", resolve));
      socket.destroy();
    }
  await until(
    async () => {
      const after = await held();
      expect(after.processes).toBeLessThanOrEqual(before.processes);
      expect(after.builds).toBe(0);
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
      return true;
    },
    { timeoutMs: 60_000, what: "everything of the clients that were cut off is gone" },
  );
  expect(berth.enginePid()).toBe(pid);
  expect((await api.inspect(running)).State.Status).toBe("running");
  expect(readFileSync(`${berth.root}/engine.log`, "utf8")).not.toMatch(/request failed|MaxListeners|uncaught/i);
});

it("tells a client that has said everything from one that has gone: the first still gets its output", async () => {
  const socket = await execStart({ Cmd: ["sh", "-c", "cat; sleep 2; echo later"] });
  socket.end("early\n");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toMatch(/early\n.*later\n/s);
});
