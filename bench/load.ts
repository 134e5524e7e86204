import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { setInterval, setTimeout } from "node:timers/promises";
import type { Engine } from "./engines.ts";

const followers = 100;
const perSecond = 200;
const paths = ["/_ping", "/version", "/containers/json", "/containers/bench-load/json"];

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** A hundred followers of one log, and two hundred requests a second beside them for a minute: errors, the slowest answers, and what the engine's memory does. */
export async function loadRows(engines: readonly Engine[], { seconds }: { seconds: number }): Promise<Row[]> {
  const measured = new Map<string, Record<string, number[]>>();
  for (const engine of engines)
    for (const [what, value] of Object.entries(await loaded(engine, seconds)))
      measured.set(what, { ...measured.get(what), [engine.name]: [value] });
  const unit = (what: string) => (what.includes("memory") ? "MB" : what.includes("time") ? "ms" : "");
  return [...measured].map(([what, samples]) => ({ what: `load: ${what}`, unit: unit(what), samples }));
}

async function loaded(engine: Engine, seconds: number): Promise<Record<string, number>> {
  const socketPath = (engine.env["DOCKER_HOST"] ?? "").replace("unix://", "");
  const docker = (...args: string[]) => execFileSync("docker", args, { env: engine.env, stdio: "ignore" });
  docker("run", "-d", "--name", "bench-load", "busybox", "sh", "-c", "while :; do echo line; sleep 0.05; done");
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const streams: IncomingMessage[] = [];
  let errors = 0;
  let bytes = 0;
  const times: number[] = [];
  const ask = (path: string) => {
    const beganMs = performance.now();
    request({ socketPath, path, agent }, (response) => {
      if (response.statusCode !== 200) errors++;
      response.resume().on("end", () => times.push(performance.now() - beganMs));
    })
      .on("error", () => errors++)
      .end();
  };
  const memoryMb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${engine.pid()}/status`, "utf8"))?.[1] ?? 0) / 1024;
  try {
    let over = false;
    for (let n = 0; n < followers; n++)
      request({ socketPath, path: "/containers/bench-load/logs?follow=1&stdout=1&tail=0" }, (response) => {
        streams.push(response);
        response.on("data", (data: Buffer) => (bytes += data.length));
        response.on("close", () => (over ? 0 : errors++));
        response.on("error", () => {});
      })
        .on("error", () => (over ? 0 : errors++))
        .end();
    await setTimeout(5000); // warm
    const [beforeMb, beganMs] = [memoryMb(), performance.now()];
    let asked = 0;
    for await (const _ of setInterval(20)) {
      const elapsedS = (performance.now() - beganMs) / 1000;
      if (elapsedS > seconds) break;
      for (; asked < elapsedS * perSecond; asked++) ask(paths[asked % paths.length] ?? "/_ping");
    }
    await setTimeout(1000);
    over = true;
    times.sort((a, b) => a - b);
    return {
      "requests answered": times.length,
      "errors, lost answers": errors + asked - times.length,
      "followers at the end": streams.filter((stream) => !stream.destroyed).length,
      "lines to followers": Math.round(bytes / 13),
      "answer's median time": times[Math.floor(times.length / 2)] ?? 0,
      "answer's time, 99 of 100": times[Math.floor(times.length * 0.99)] ?? 0,
      "engine's memory before": beforeMb,
      "engine's memory after": memoryMb(),
    };
  } finally {
    for (const stream of streams) stream.destroy();
    agent.destroy();
    docker("rm", "-f", "bench-load");
  }
}
