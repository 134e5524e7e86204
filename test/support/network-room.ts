import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { execa } from "execa";
import { afterEach, beforeEach, expect } from "vitest";
import { type AttachRequest, type AttachResult, Networks } from "../../src/network/index.ts";
import { until } from "./until.ts";

/** The networks of an engine of its own for each test of a file; after it nothing of that engine may be left in the kernel. */
export class NetworkRoom {
  readonly #log = { info: () => {}, warn: (data: object, message: string) => this.warnings.push(`${message} ${JSON.stringify(data)}`) };
  #counter = 0;
  warnings: string[] = [];
  root = "";
  instance = "";
  networks!: Networks; // made before each test
  /** Ended with the test. */
  processes: ({ kill(signal: "SIGKILL"): boolean } & Promise<unknown>)[] = [];

  constructor() {
    beforeEach(() => this.#begin());
    afterEach(() => this.#end());
  }

  /** As the next engine finds them; not opened. */
  next(): Networks {
    return new Networks({ root: this.root, instance: this.instance, log: this.#log });
  }

  async attach(...requests: AttachRequest[]): Promise<readonly AttachResult[]> {
    const results = await this.networks.attach(requests);
    await Promise.all(results.map((result) => result.ready));
    return results;
  }

  /** A TCP and UDP server inside, on a port of both, that answers with `answer` and the address it was asked from. */
  async serve(result: AttachResult | undefined, port: number, answer: string): Promise<void> {
    const script = `
      require("net").createServer({allowHalfOpen: true}, (s) => { s.on("error", () => {}); s.end(${JSON.stringify(answer)} + " " + s.remoteAddress); }).listen(${port}, "::");
      const u = require("dgram").createSocket("udp6"); u.on("message", (m, from) => u.send(${JSON.stringify(answer)}, from.port, from.address)); u.bind(${port}, () => console.log("ready"));`;
    const server = execa("nsenter", [`--net=${result?.netnsPath}`, process.execPath, "-e", script], { reject: false });
    this.processes.push(server);
    await until(async () => (await inside(result, "ss", "-lnH", "sport", "=", `:${port}`)).stdout.split("\n").length >= 2, {
      timeoutMs: 10_000,
      what: `a server on ${port}`,
    });
  }

  async #begin(): Promise<void> {
    this.warnings = [];
    this.root = mkdtempSync("/var/tmp/berth-net-");
    this.instance = `nt${process.pid}${++this.#counter}`;
    this.networks = this.next();
    await this.networks.open();
  }

  async #end(): Promise<void> {
    for (const process of this.processes) process.kill("SIGKILL");
    await Promise.allSettled(this.processes);
    this.processes = [];
    const ids = this.networks.list().flatMap((network) => Object.keys(this.networks.containersOf(network.Id)));
    for (const id of ids) await this.networks.release(id);
    await this.networks.close();
    rmSync(this.root, { recursive: true, force: true });
    expect(this.kernelNames()).toEqual([]);
  }

  /** Everything of this engine that the kernel has: links of its networks, namespaces, tables. */
  kernelNames(): string[] {
    const text = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8" }).split("\n");
    const bridges = this.networks.list().map((network) => `br-${network.Id.slice(0, 12)}`);
    return [
      ...text("ip", "-o", "link").filter((line) => bridges.some((bridge) => line.includes(bridge))),
      ...text("ip", "netns").filter((line) => line.includes(this.instance)),
      ...text("nft", "list", "tables").filter((line) => line.includes(this.instance)),
    ];
  }
}

let ids = 0;
/** A container that asks for a place on these networks. */
export function request(name: string, network: string | string[], o: Partial<AttachRequest> & { aliases?: string[] } = {}): AttachRequest {
  const id = `${(++ids).toString(16).padStart(5, "0")}${process.pid.toString(16).padStart(7, "0")}`.padEnd(64, "a");
  return {
    containerId: id,
    name,
    hostname: name,
    endpoints: Object.fromEntries([network].flat().map((one) => [one, { Aliases: o.aliases ?? null }])),
    ports: {},
    exposed: [],
    publishAll: false,
    ...o,
  };
}

export const addressOf = (result: AttachResult | undefined, network: string) => result?.networks[network]?.IPAddress ?? "";
/** Runs a command in the namespace of a container. */
export const inside = (result: AttachResult | undefined, ...command: string[]) =>
  execa("nsenter", [`--net=${result?.netnsPath}`, ...command], { reject: false, timeout: 15_000 });

const askScript = (udp: boolean) =>
  udp
    ? `const s=require("dgram").createSocket(process.argv[1].includes(":")?"udp6":"udp4");s.on("message",(m)=>{console.log(String(m));s.close()});s.send("?",+process.argv[2],process.argv[1]);setTimeout(()=>process.exit(1),1500).unref()`
    : `const s=require("net").connect(+process.argv[2],process.argv[1]);s.setTimeout(1500,()=>process.exit(1));s.on("error",(e)=>{console.log(e.code);process.exit(1)});s.on("data",(d)=>console.log(String(d)));s.on("end",()=>process.exit(0))`;

/** What a client on the host (or inside a container) gets; "" where nothing answers. */
export async function ask(host: string, port: number, o: { from?: AttachResult | undefined; udp?: boolean } = {}): Promise<string> {
  const command = [process.execPath, "-e", askScript(o.udp === true), host, String(port)];
  const answer = o.from
    ? await inside(o.from, ...command)
    : await execa(command[0] ?? "", command.slice(1), { reject: false, timeout: 15_000 });
  return answer.stdout;
}

/** An address of this host that is none of Docker's bridges. */
export const hostAddress = () =>
  Object.values(networkInterfaces())
    .flat()
    .find((entry) => entry?.family === "IPv4" && !entry.internal && !entry.address.startsWith("172."))?.address ?? "";
export const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
};
