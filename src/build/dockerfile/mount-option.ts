import { nearest } from "./dockerfile-error.ts";

/** One `RUN --mount`, expanded and checked. Paths are as written; the caller joins targets with the working directory. */
export interface MountOption {
  readonly type: "bind" | "cache" | "tmpfs" | "secret" | "ssh";
  readonly target?: string;
  readonly source?: string;
  readonly from?: string;
  readonly id?: string;
  readonly readOnly: boolean;
  readonly sharing: "shared" | "private" | "locked";
  readonly required: boolean;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly sizeBytes?: number;
  readonly env?: string;
}

const mountTypes = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
const optionNames = [
  "type",
  "from",
  "source",
  "target",
  "readonly",
  "readwrite",
  "id",
  "sharing",
  "required",
  "size",
  "mode",
  "uid",
  "gid",
  "env",
];
const aliases: Record<string, string> = { src: "source", dst: "target", destination: "target", ro: "readonly", rw: "readwrite" };

/** Parses the CSV of `--mount=`. `expandText` replaces variables (target, source, id, from...). Throws Error. */
export function parseMountOption(text: string, expandText: (text: string) => string): MountOption {
  const fields = new Map<string, string | undefined>();
  for (const field of csvFields(text)) {
    const at = field.indexOf("=");
    const name = (at < 0 ? field : field.slice(0, at)).toLowerCase();
    const known = aliases[name] ?? name;
    if (!optionNames.includes(known)) {
      if (at < 0) throw new Error(`invalid field '${field}' must be a key=value pair`);
      const meant = nearest(name, [...optionNames, ...Object.keys(aliases)]);
      throw new Error(`unexpected key '${name}' in '${field}'${meant ? ` (did you mean ${meant}?)` : ""}`);
    }
    if (at < 0 && !["readonly", "readwrite", "required"].includes(known))
      throw new Error(`invalid field '${field}' must be a key=value pair`);
    fields.set(known, at < 0 ? undefined : known === "type" ? field.slice(at + 1) : expandText(field.slice(at + 1)));
  }
  const type = (fields.get("type") ?? "bind").toLowerCase() as MountOption["type"]; // checked on the next line
  if (!mountTypes.includes(type)) {
    const meant = nearest(type, mountTypes);
    throw new Error(`unsupported mount type "${type}"${meant ? ` (did you mean ${meant}?)` : ""}`);
  }
  const flag = (name: string) => fields.has(name) && booleanValue(name, fields.get(name));
  const number = (name: string, base = 10) => {
    const value = fields.get(name);
    if (value === undefined) return undefined;
    if (!(base === 8 ? /^[0-7]+$/ : /^\d+$/).test(value)) throw new Error(`invalid value ${value} for ${name}`);
    return Number.parseInt(value, base);
  };
  const sharing = (fields.get("sharing") ?? "shared") as MountOption["sharing"]; // checked on the next line
  if (!["shared", "private", "locked"].includes(sharing)) throw new Error(`unsupported sharing value "${sharing}"`);
  for (const [name, types] of Object.entries(onlyFor)) {
    if (fields.has(name) && !types.includes(type)) throw new Error(`${name} not allowed for ${JSON.stringify(type)} type mounts`);
  }
  const target = fields.get("target");
  if (type === "secret" && !fields.get("id") && !target && !fields.get("source"))
    throw new Error("invalid secret mount. one of source, target required");
  const values = {
    target,
    source: fields.get("source"),
    from: fields.get("from") || undefined,
    id: fields.get("id"),
    mode: number("mode", 8),
    uid: number("uid"),
    gid: number("gid"),
    sizeBytes: fields.has("size") ? byteSize(fields.get("size") ?? "") : undefined,
    env: fields.get("env"),
  };
  const readOnly = type === "bind" ? !(flag("readwrite") || (fields.has("readonly") && !flag("readonly"))) : flag("readonly");
  return { ...defined(values), type, readOnly, sharing, required: flag("required") };
}

const onlyFor: Record<string, readonly string[]> = {
  from: ["bind", "cache"],
  sharing: ["cache"],
  size: ["tmpfs"],
  required: ["secret", "ssh"],
  env: ["secret"],
  mode: ["cache", "secret", "ssh", "tmpfs"],
  uid: ["cache", "secret", "ssh"],
  gid: ["cache", "secret", "ssh"],
};

function booleanValue(name: string, value: string | undefined): boolean {
  if (value === undefined || /^(true|1|t)$/i.test(value)) return true;
  if (/^(false|0|f)$/i.test(value)) return false;
  throw new Error(`invalid value for ${name}: ${value}`);
}

export function byteSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?$/i.exec(text);
  if (!match) throw new Error(`invalid value for size: ${text}`);
  return Math.round(Number(match[1]) * 1024 ** " kmgtp".indexOf(match[2]!.toLowerCase() || " "));
}

/** One CSV record: fields may stand in double quotes, `""` is a quote. */
function csvFields(text: string): string[] {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/gy;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    fields.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
    if (match[3] === "") return fields;
  }
  throw new Error(`invalid mount option "${text}"`);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the entries that are undefined. */
function defined<T extends Record<string, unknown>>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>; // that is what the filter leaves
}
