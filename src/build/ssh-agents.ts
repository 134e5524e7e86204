import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BerthError, messageOf, run } from "../system/index.ts";
import type { BuildRequest } from "./build-request.ts";

/**
 * The agents that steps of one build may ask for keys: the caller's own socket, or an ssh-agent that is started for the key files that the
 * caller named. `close` ends what was started.
 */
export class SshAgents {
  private readonly o: { request: BuildRequest; directory: string; signal: AbortSignal };
  private readonly sockets = new Map<string, Promise<string | undefined>>();
  private readonly children: ChildProcess[] = [];

  constructor(o: { request: BuildRequest; directory: string; signal: AbortSignal }) {
    this.o = o;
  }

  /** The socket under an id of `--ssh`; undefined where this build was given none. @throws BerthError build/secret-missing */
  socket(id: string): Promise<string | undefined> {
    const known = this.sockets.get(id) ?? this.find(id);
    this.sockets.set(id, known);
    return known;
  }

  async close(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
  }

  private async find(id: string): Promise<string | undefined> {
    const given = this.o.request.ssh?.find((candidate) => candidate.id === id);
    if (!given) return undefined;
    const paths = given.paths.length > 0 ? given.paths : [process.env["SSH_AUTH_SOCK"] ?? ""].filter(Boolean);
    const [first] = paths;
    const missing = paths.find((path) => !existsSync(path));
    if (first === undefined || missing !== undefined)
      throw new BerthError("build/secret-missing", `ssh ${id}: ${missing ?? "SSH_AUTH_SOCK"}: no such file or directory`);
    return lstatSync(first).isSocket() ? first : await this.start(id, paths);
  }

  private async start(id: string, keys: readonly string[]): Promise<string> {
    mkdirSync(this.o.directory, { recursive: true, mode: 0o700 });
    const socket = join(this.o.directory, `ssh-${this.children.length}.sock`);
    const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore", env: { PATH: process.env["PATH"] ?? "" } });
    this.children.push(child);
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
    });
    for (let tries = 0; !existsSync(socket); tries += 1) {
      if (failure || tries > 500)
        throw new BerthError("system/missing-tool", 'the program "ssh-agent" is needed for key files and does not run', { cause: failure });
      await delay(10, undefined, { signal: this.o.signal });
    }
    try {
      await run("ssh-add", ["-q", "--", ...keys], { env: { SSH_AUTH_SOCK: socket }, signal: this.o.signal });
    } catch (error) {
      throw new BerthError("build/secret-missing", `ssh ${id}: ${messageOf(error)}`, {
        hint: "A key with a passphrase has to be in an agent: give its socket.",
        cause: error,
      });
    }
    return socket;
  }
}
