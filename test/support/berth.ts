import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { leftovers } from "./leftovers.ts";
import type { NetworkNamespace } from "./network-namespace.ts";

export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Berth extends AsyncDisposable {
  readonly root: string;
  readonly run: string;
  readonly socket: string;
  readonly env: Record<string, string>;
  /** Runs bin/berth in `cwd`; never throws for an exit code. */
  call(
    args: readonly string[],
    o?: { cwd?: string; env?: Record<string, string>; input?: string | Buffer; timeoutMs?: number },
  ): Promise<Answer>;
  /** The same, and the test fails with everything it printed where it does not exit with 0. Answers stdout. */
  ok(
    args: readonly string[],
    o?: { cwd?: string; env?: Record<string, string>; input?: string | Buffer; timeoutMs?: number },
  ): Promise<string>;
  enginePid(): number;
}

export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The built command line (bin/berth) with an engine directory of its own. Disposal stops the engine and everything it runs, then
 * fails where a mount, link, table, cgroup, namespace or process of that engine is left. `inside`: all of it in a network of its own.
 */
export async function installedBerth(inside?: NetworkNamespace): Promise<Berth> {
  const root = mkdtempSync("/var/tmp/berth-test-");
  mkdirSync("/run/berth-tests", { recursive: true });
  const run = mkdtempSync("/run/berth-tests/t");
  const env = { PATH: process.env["PATH"] ?? "", HOME: root, BERTH_ROOT: root, BERTH_RUN: run, NO_COLOR: "1" };
  const call: Berth["call"] = async (args, o = {}) => {
    const [file = "", ...before] = [...(inside?.enter(o.cwd) ?? []), join(checkout, "bin/berth")];
    const result = await execa(file, [...before, ...args], {
      env: { ...env, ...o.env },
      extendEnv: false,
      reject: false,
      timeout: o.timeoutMs ?? 60_000,
      maxBuffer: 64 * 1024 * 1024,
      ...(o.cwd ? { cwd: o.cwd } : {}),
      ...(o.input === undefined ? { stdin: "ignore" as const } : { input: o.input }),
    });
    const note = result.timedOut ? `\n(took longer than ${o.timeoutMs ?? 60_000} ms)` : "";
    return { exitCode: result.exitCode ?? -1, stdout: String(result.stdout), stderr: String(result.stderr) + note };
  };
  return {
    root,
    run,
    socket: join(run, "engine.sock"),
    env,
    call,
    ok: async (args, o) => {
      const answer = await call(args, o);
      if (answer.exitCode !== 0)
        throw new Error(`berth ${args.join(" ")} exited with ${answer.exitCode}\n${answer.stdout}\n${answer.stderr}`);
      return answer.stdout;
    },
    enginePid: () => Number(readFileSync(join(run, "engine.pid"), "utf8")),
    [Symbol.asyncDispose]: async () => {
      const list = await call(["docker", "ps", "-aq"]);
      const ids = list.stdout.split("\n").filter(Boolean);
      if (ids.length > 0) await call(["docker", "rm", "-f", "-v", ...ids], { timeoutMs: 120_000 });
      await call(["docker", "network", "prune", "-f"]);
      await call(["engine", "stop"]);
      const left = leftovers(run, inside);
      rmSync(root, { recursive: true, force: true });
      rmSync(run, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`left behind:\n${left.join("\n")}`);
    },
  };
}
