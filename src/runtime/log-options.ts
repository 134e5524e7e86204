import { goBoolFault, type HostConfig, parseGoBool } from "../api/index.ts";
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
 * A size is decimal, as there: 10k is 10,000 bytes. What is wrong with a value is found at the start, as there, and said in the same words.
 * @throws BerthError runtime/start-failed
 */
export function logKeeping(config: HostConfig["LogConfig"]): LogKeeping {
  const options = config?.Config ?? {};
  switch (config?.Type || "json-file") {
    case "none":
      return { kept: false, files: 8, sizeBytes: 16 * 1024 * 1024 };
    case "local":
      return localKeeping(options);
    case "json-file":
      return jsonFileKeeping(options);
    default:
      throw refusal(`this engine has no ${config?.Type} log driver`, { hint: "Berth has json-file, local and none." });
  }
}

type Options = Readonly<Record<string, string>>;

function localKeeping(options: Options): LogKeeping {
  const { "max-size": size, "max-file": count, compress } = options;
  const sizeBytes = size === undefined ? 20 * 1024 * 1024 : fileSize(size, `invalid value for max-size: ${size}: `);
  const files = count === undefined ? 5 : integer(count, `invalid value for max-file: ${count}: `);
  const isCompressed = compress === undefined || truth(compress, "error reading compress log option: ");
  if (files < 0) throw refusal("max file count cannot be less than 0");
  if (isCompressed && files <= 1) throw refusal("compression cannot be enabled when max file count is 1");
  return { kept: true, files: Math.max(1, files), ...(sizeBytes > 0 ? { sizeBytes } : {}) };
}

function jsonFileKeeping(options: Options): LogKeeping {
  const { "max-size": size, "max-file": count, compress, tag } = options;
  const sizeBytes = size === undefined ? undefined : fileSize(size);
  if (sizeBytes !== undefined && sizeBytes <= 0) throw refusal("max-size must be a positive number");
  const files = count === undefined ? 1 : integer(count);
  if (files < 1) throw refusal("max-file cannot be less than 1");
  if (compress !== undefined && truth(compress) && (files === 1 || sizeBytes === undefined))
    throw refusal("compress cannot be true when max-file is less than 2 or max-size is not set");
  for (const name of ["labels-regex", "env-regex"]) checkPattern(options[name] ?? "");
  if (tag?.replace(/\{\{[^{}]*\}\}/g, "").includes("{{")) throw refusal("template: log-tag:1: unclosed action");
  // Without a size no file is ever full: the number of files is taken, as Docker takes it, and asks for nothing.
  return { kept: true, files, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

function fileSize(text: string, prefix = ""): number {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])?(?:i?b)?)$/i.exec(text);
  if (!match) throw refusal(`${prefix}invalid size: '${text}'`, { hint: "Write it as 10m, for example." });
  return Math.round(Number(match[1]) * 1000 ** ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase()));
}

function integer(text: string, prefix = ""): number {
  if (!/^[+-]?\d+$/.test(text)) throw refusal(`${prefix}strconv.Atoi: parsing "${text}": invalid syntax`);
  return Number(text);
}

function truth(text: string, prefix = ""): boolean {
  const value = parseGoBool(text);
  if (value === undefined) throw refusal(prefix + goBoolFault(text));
  return value;
}

function checkPattern(text: string): void {
  try {
    new RegExp(text);
  } catch (cause) {
    throw refusal(`error parsing regexp: ${(cause as SyntaxError).message}`, { cause }); // RegExp throws nothing else
  }
}

function refusal(why: string, more: { hint?: string; cause?: unknown } = {}): BerthError {
  return new BerthError("runtime/start-failed", `failed to create task for container: failed to initialize logging driver: ${why}`, more);
}
