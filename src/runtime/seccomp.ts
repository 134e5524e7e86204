import { readFileSync } from "node:fs";
import { BerthError, messageOf } from "../system/index.ts";
import { allowedSyscalls, syscallsByCapability } from "./seccomp-syscalls.ts";

/** runtime-spec config-linux.md, seccomp */
export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  syscalls?: {
    names: string[];
    action: string;
    errnoRet?: number;
    args?: { index: number; value: number; valueTwo?: number; op: string }[];
  }[];
}

const EPERM = 1;
const ENOSYS = 38;
/** CLONE_NEW* flags: a process without SYS_ADMIN makes no namespaces. */
const namespaceFlags = 0x7e020000;
const architectures: Readonly<Record<string, string[]>> = {
  amd64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/** The default profile for a process with these capabilities (names without CAP_). Everything it does not name fails with EPERM. */
export function defaultSeccomp(capabilities: readonly string[], architecture: string): SeccompProfile {
  const can = (name: string) => capabilities.includes(name);
  const allow = (names: string[], args?: { index: number; value: number; valueTwo?: number; op: string }[]) => ({
    names,
    action: "SCMP_ACT_ALLOW",
    ...(args ? { args } : {}),
  });
  const own =
    architecture === "arm64"
      ? ["arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls"]
      : ["arch_prctl", "modify_ldt"];
  const granted = Object.entries(syscallsByCapability).flatMap(([capability, names]) => (can(capability) ? names.split(" ") : []));
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    ...(architectures[architecture] ? { architectures: architectures[architecture] } : {}),
    syscalls: [
      allow([...new Set([...allowedSyscalls, ...own, "process_vm_readv", "process_vm_writev", "ptrace", ...granted])]),
      // Every address family but AF_ALG (38) and AF_VSOCK (40).
      allow(["socket"], [{ index: 0, value: 38, op: "SCMP_CMP_LT" }]),
      allow(["socket"], [{ index: 0, value: 39, op: "SCMP_CMP_EQ" }]),
      allow(["socket"], [{ index: 0, value: 40, op: "SCMP_CMP_GT" }]),
      ...[0x0, 0x8, 0x20000, 0x20008, 0xffffffff].map((persona) =>
        allow(["personality"], [{ index: 0, value: persona, op: "SCMP_CMP_EQ" }]),
      ),
      ...(can("SYS_ADMIN")
        ? []
        : [
            allow(["clone"], [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]),
            // Its flags are behind a pointer, where a filter cannot look: libc falls back to clone on ENOSYS.
            { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
          ]),
    ],
  };
}

/** The profile of a `seccomp=` security option: a file's path, or the JSON itself (the docker client sends that). */
export function readSeccomp(value: string): SeccompProfile {
  try {
    return JSON.parse(value.trimStart().startsWith("{") ? value : readFileSync(value, "utf8")) as SeccompProfile; // the low-level runtime checks its content
  } catch (error) {
    throw new BerthError("runtime/bad-option", `security option seccomp=${value.slice(0, 80)}: ${messageOf(error)}`, {
      hint: "Give unconfined, or the path of a profile in JSON.",
    });
  }
}
