import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../system/index.ts";
import type { SeccompProfile } from "./seccomp.ts";

/**
 * Compiled seccomp filters. libseccomp takes 12 ms to compile the default profile, more than all the rest that crun does; crun leaves the result in its state
 * directory and takes it ready-made by an annotation (crun(1), run.oci.seccomp_bpf_data). The profile stays in config.json: a crun that does not know the
 * annotation compiles it.
 */
export class SeccompCache {
  readonly #directory: string;
  readonly #program: string;
  readonly #known = new Map<string, string>();

  constructor(directory: string, program: string) {
    this.#directory = directory;
    const { size, mtimeMs } = statSync(program);
    this.#program = `${program} ${size} ${mtimeMs}`;
  }

  /** undefined for a profile with flags, which crun applies beside the filter: such a one is compiled each time. */
  key(profile: SeccompProfile): string | undefined {
    if (Object.keys(profile).some((name) => !["defaultAction", "defaultErrnoRet", "architectures", "syscalls"].includes(name)))
      return undefined;
    return createHash("sha256").update(this.#program).update(JSON.stringify(profile)).digest("hex");
  }

  /** The filter in base64. */
  find(key: string): string | undefined {
    const known = this.#known.get(key) ?? read(join(this.#directory, key))?.toString("base64");
    if (known) this.#known.set(key, known);
    return known;
  }

  /** Keeps what crun compiled for the container whose state directory this is. */
  learn(key: string, stateDir: string): void {
    const filter = read(join(stateDir, "seccomp.bpf"));
    if (!filter || filter.length === 0 || this.#known.has(key)) return;
    this.#known.set(key, filter.toString("base64"));
    writeFileAtomic(join(this.#directory, key), filter);
  }
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
