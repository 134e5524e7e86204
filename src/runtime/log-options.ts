import type { HostConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/** What is kept of a container's output. `sizeBytes` undefined: everything. */
export interface LogKeeping {
  readonly kept: boolean;
  readonly sizeBytes?: number;
  /** The current file and the full ones before it. */
  readonly files: number;
}

/**
 * Docker's log options `max-size` and `max-file` (json-file: no limit, one file; local: five files of 20 MB). The driver `none` keeps nothing.
 * @throws BerthError runtime/bad-option
 */
export function logKeeping(config: HostConfig["LogConfig"]): LogKeeping {
  const { Type: driver = "json-file", Config: options = {} } = config ?? {};
  if (driver === "none") return { kept: false, files: 0 };
  const local = driver === "local";
  const size = options?.["max-size"] ?? (local ? "20m" : "-1");
  const sizeBytes = size === "-1" ? undefined : parseSize(size);
  const files = Number(options?.["max-file"] ?? (local ? "5" : "1"));
  if (!Number.isInteger(files) || files < 1)
    throw new BerthError("runtime/bad-option", `log option max-file=${options?.["max-file"]} is not a number of files`);
  // Without a size no file is ever full: the number of files is taken, as Docker takes it, and asks for nothing.
  return { kept: true, files, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim());
  if (!match || Number(match[1]) <= 0)
    throw new BerthError("runtime/bad-option", `log option max-size=${text} is not a size`, { hint: "Write it as 10m, for example." });
  return Math.round(Number(match[1]) * 1024 ** ["", "k", "m", "g", "t"].indexOf((match[2] ?? "").toLowerCase()));
}
