import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { HostConfig } from "../../../api/index.ts";
import { messageOf } from "../../../system/error.ts";
import { UsageError } from "../usage-error.ts";

/** `--security-opt`: a seccomp profile is read here and sent as it is, "systempaths=unconfined" leaves nothing masked. @throws UsageError */
export function securityOptions(given: readonly string[], cwd: string): Pick<HostConfig, "SecurityOpt" | "MaskedPaths" | "ReadonlyPaths"> {
  const open = given.includes("systempaths=unconfined");
  const options = given.filter((option) => option !== "systempaths=unconfined").map((option) => sent(option, cwd));
  return { SecurityOpt: options, ...(open ? { MaskedPaths: [], ReadonlyPaths: [] } : {}) };
}

function sent(option: string, cwd: string): string {
  const [name = ""] = option.split(/[=:]/);
  const value = option.slice(name.length + 1);
  if (!/[=:]/.test(option) && option !== "no-new-privileges") throw new UsageError(`Invalid --security-opt: ${JSON.stringify(option)}`);
  if (name !== "seccomp" || value === "unconfined" || value === "builtin") return option;
  return `seccomp=${profile(value, cwd)}`;
}

function profile(file: string, cwd: string): string {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), "utf8");
  } catch {
    throw new UsageError(`opening seccomp profile (${file}) failed: open ${file}: no such file or directory`);
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw new UsageError(`compacting json for seccomp profile (${file}) failed: ${messageOf(error)}`);
  }
}
