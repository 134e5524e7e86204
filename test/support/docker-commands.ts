import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Berth, installedBerth } from "./berth.ts";
import { busyboxArchive } from "./busybox-image.ts";

/** `berth docker` in a directory of its own, on an engine that has busybox. */
export interface DockerCommands extends AsyncDisposable {
  readonly work: string;
  /** Its standard output; fails where the command does. */
  docker(...args: string[]): ReturnType<Berth["ok"]>;
  attempt(...args: string[]): ReturnType<Berth["call"]>;
}

export async function dockerCommands(): Promise<DockerCommands> {
  const berth = await installedBerth();
  const work = mkdtempSync(join(tmpdir(), "berth-docker-"));
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  return {
    work,
    docker: (...args) => berth.ok(["docker", ...args], { cwd: work }),
    attempt: (...args) => berth.call(["docker", ...args], { cwd: work }),
    [Symbol.asyncDispose]: async () => {
      rmSync(work, { recursive: true, force: true });
      await berth[Symbol.asyncDispose]();
    },
  };
}
