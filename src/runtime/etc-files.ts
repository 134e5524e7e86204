import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerPaths } from "./container-paths.ts";

/** The hosts file and resolv.conf of running containers. Written in place: a bind mount holds the inode. */
export class EtcFiles {
  readonly #paths: ContainerPaths;
  /** What was asked for last, by container. */
  readonly #hosts = new Map<string, string>();

  constructor(paths: ContainerPaths) {
    this.#paths = paths;
  }

  forget(id: string): void {
    this.#hosts.delete(id);
  }

  rewriteHosts(id: string, text: string, merged: (file: string, text: string) => string): void {
    const file = join(this.#paths.bundle(id), "hosts");
    if (this.#hosts.get(id) === text || !existsSync(file)) return;
    writeFileSync(file, merged(readFileSync(file, "utf8"), text));
    this.#hosts.set(id, text);
  }

  /** Where it has not been edited inside since it was `before`. */
  rewriteResolvConf(id: string, before: string, text: string): void {
    const file = join(this.#paths.bundle(id), "resolv.conf");
    if (text !== before && existsSync(file) && readFileSync(file, "utf8") === before) writeFileSync(file, text);
  }
}
