import type { MountSpec } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

/** Flags by what they say about; of two on the same the later one counts. */
const flags: Readonly<Record<string, string>> = Object.fromEntries(
  [
    "rw ro",
    "exec noexec",
    "suid nosuid",
    "dev nodev",
    "atime noatime",
    "relatime norelatime strictatime nostrictatime",
    "diratime nodiratime",
    "async sync dirsync",
  ]
    .map((line) => line.split(" "))
    .flatMap((words) => words.map((word) => [word, words[0] ?? ""])),
);
const values = ["mode", "uid", "gid", "size", "nr_inodes", "nr_blocks", "mpol"];
const propagation = /^(un|r)?(bindable|private|shared|slave)$/;

/**
 * The options of a tmpfs: Docker's own, and after them what was asked for ("exec" takes "noexec" away). Of `HostConfig.Tmpfs`.
 * @throws BerthError runtime/start-failed for an option that none has
 */
export function tmpfsOptions(asked: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const option of [...own, ...asked]) {
    const name = option.split("=", 1)[0] ?? "";
    const isKnown = option.includes("=") ? values.includes(name) : option in flags || option === "defaults" || propagation.test(option);
    if (!isKnown) throw new BerthError("runtime/start-failed", `invalid tmpfs option "${name}"`);
    if (option !== "defaults") merged.set(flags[option] ?? name, option);
  }
  return [...merged.values()];
}

const own = ["noexec", "nosuid", "nodev"];

/** The same of a mount specification. */
export function tmpfsMountOptions(spec: MountSpec | undefined, access: "ro" | "rw"): string[] {
  const { SizeBytes: size, Mode: mode, Options: more } = spec?.TmpfsOptions ?? {};
  return tmpfsOptions([
    access,
    ...(size ? [`size=${size}`] : []),
    `mode=${(mode ?? 0o1777).toString(8)}`,
    ...(more ?? []).map((pair) => pair.join("=")),
  ]);
}
