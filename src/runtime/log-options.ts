import type { HostConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/** What is kept of a container's output. `sizeBytes` undefined: everything. */
export interface LogKeeping {
  /** False: only those who are attached read it, and only the newest few files are there for them. */
  readonly kept: boolean;
  readonly sizeBytes?: number;
  /** The current file and the full ones before it. */
  readonly files: number;
}

/**
 * Docker's log options `max-size` and `max-file` (json-file: no limit, one file; local: five files of 20 MB). What `none` writes is for those who are attached.
 * @throws BerthError runtime/bad-option
 */
export function logKeeping(config: HostConfig["LogConfig"]): LogKeeping {
  const { Type: driver = "json-file", Config: options = {} } = config ?? {};
  checkNames(driver || "json-file", options ?? {});
  if (driver === "none") return { kept: false, files: 8, sizeBytes: 16 * 1024 * 1024 };
  const local = driver === "local";
  const size = options?.["max-size"] ?? (local ? "20m" : "-1");
  const sizeBytes = size === "-1" ? undefined : parseSize(size);
  const files = Number(options?.["max-file"] ?? (local ? "5" : "1"));
  if (!Number.isInteger(files) || files < 1)
    throw new BerthError("runtime/bad-option", `log option max-file=${options?.["max-file"]} is not a number of files`);
  // Without a size no file is ever full: the number of files is taken, as Docker takes it, and asks for nothing.
  return { kept: true, files, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

const modes = ["mode", "max-buffer-size"];
const known: Readonly<Record<string, readonly string[]>> = {
  "json-file": ["max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", ...modes],
  local: ["max-size", "max-file", "compress", ...modes],
};

/** In Docker's words, which clients show. `none` takes anything, as it does there. */
function checkNames(driver: string, options: Readonly<Record<string, string>>): void {
  const refuse = (message: string): never => {
    throw new BerthError("runtime/bad-option", message);
  };
  const { mode, "max-buffer-size": buffer } = options;
  if (mode && mode !== "blocking" && mode !== "non-blocking") refuse(`logger: logging mode not supported: ${mode}`);
  if (buffer !== undefined && mode !== "non-blocking") refuse("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  const names = known[driver];
  const odd = names && Object.keys(options).find((name) => !names.includes(name));
  if (odd !== undefined)
    refuse(driver === "local" ? `unknown log opt '${odd}' for log driver local` : `unknown log opt '${odd}' for ${driver} log driver`);
}

function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim());
  if (!match || Number(match[1]) <= 0)
    throw new BerthError("runtime/bad-option", `log option max-size=${text} is not a size`, { hint: "Write it as 10m, for example." });
  return Math.round(Number(match[1]) * 1024 ** ["", "k", "m", "g", "t"].indexOf((match[2] ?? "").toLowerCase()));
}
