import { BerthError } from "../system/index.ts";

/** One member of an archive. Names are byte strings (one character per byte), so that any file name survives. */
export interface TarEntry {
  name: string;
  type: "file" | "link" | "symlink" | "char" | "block" | "dir" | "fifo";
  linkName: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Seconds, with a fraction. */
  mtime: number;
  major: number;
  minor: number;
  xattrs: Map<string, Buffer>;
}

export interface TarSink {
  entry(entry: TarEntry): void;
  data(chunk: Buffer): void;
  endEntry(): void;
}

const types: Record<string, TarEntry["type"]> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "link",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
};
/** Extended headers and long names beyond this are an attack, not an archive. */
const maxMetaBytes = 1 << 20;

/**
 * Streaming reader of ustar, PAX and GNU archives, fed with `push`. Everything it does not know is an error, never a guess.
 * @throws BerthError `image/bad-archive`
 */
export class TarReader {
  private readonly sink: TarSink;
  private pending: Buffer = Buffer.alloc(0);
  private state: "header" | "meta" | "body" | "skip" | "end" = "header";
  private left = 0;
  private padding = 0;
  private metaType = "";
  private meta: Buffer[] = [];
  private pax = new Map<string, Buffer>();
  private longName: string | undefined;
  private longLink: string | undefined;
  private zeroBlocks = 0;

  constructor(sink: TarSink) {
    this.sink = sink;
  }

  push(chunk: Buffer): void {
    let data = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
    this.pending = Buffer.alloc(0);
    while (data.length > 0 && this.state !== "end") {
      if (this.state === "header") {
        if (data.length < 512) break;
        this.header(data.subarray(0, 512));
        data = data.subarray(512);
      } else if (this.left > 0) {
        const part = data.subarray(0, Math.min(this.left, data.length));
        if (this.state === "body") this.sink.data(part);
        else if (this.state === "meta") this.meta.push(Buffer.from(part));
        this.left -= part.length;
        data = data.subarray(part.length);
      } else {
        const skip = Math.min(this.padding, data.length);
        this.padding -= skip;
        data = data.subarray(skip);
      }
      if (this.state !== "header" && this.left === 0 && this.padding === 0) this.finish();
    }
    if (this.state !== "end" && data.length > 0) this.pending = Buffer.from(data);
  }

  /** Call at the end of the input. */
  end(): void {
    if (this.state === "end") return;
    if (this.state !== "header" || this.pending.length > 0) throw bad("it ends in the middle of an entry");
  }

  private finish(): void {
    if (this.state === "body") this.sink.endEntry();
    if (this.state === "meta") this.useMeta(Buffer.concat(this.meta));
    this.meta = [];
    if (this.state !== "end") this.state = "header";
  }

  private header(h: Buffer): void {
    if (h.every((byte) => byte === 0)) {
      this.zeroBlocks += 1;
      if (this.zeroBlocks === 2) this.state = "end";
      return;
    }
    this.zeroBlocks = 0;
    let sum = 256;
    for (let i = 0; i < 512; i += 1) if (i < 148 || i >= 156) sum += h[i]!;
    if (sum !== number(h, 148, 8)) throw bad("a header has a wrong checksum");
    const type = String.fromCharCode(h[156]!);
    const size = number(h, 124, 12);
    if (size < 0) throw bad("an entry has a negative size");
    if ("xgLK".includes(type)) {
      if (size > maxMetaBytes) throw bad(`an extended header of ${size} bytes`);
      this.metaType = type;
      this.begin("meta", size);
      return;
    }
    this.entry(h, type, size);
  }

  private begin(state: "meta" | "body" | "skip", size: number): void {
    this.state = state;
    this.left = size;
    this.padding = (512 - (size % 512)) % 512;
    if (size === 0) this.finish();
  }

  private entry(h: Buffer, flag: string, headerSize: number): void {
    const pax = this.pax;
    this.pax = new Map();
    const text = (key: string) => pax.get(key)?.toString("latin1");
    const numeric = (key: string, otherwise: number) => {
      const value = text(key);
      if (value === undefined) return otherwise;
      const parsed = Number(value);
      if (!Number.isFinite(parsed)) throw bad(`the extended header ${key} is not a number`);
      return parsed;
    };
    for (const key of pax.keys()) if (key.startsWith("GNU.sparse.")) throw bad("sparse entries are not supported", "image/unsupported");
    const type = types[flag];
    if (!type) throw bad(`entry type ${JSON.stringify(flag)} is not supported`, "image/unsupported");
    const ustar = h.toString("latin1", 257, 263) === "ustar\0";
    const prefix = ustar ? string(h, 345, 155) : "";
    const short = string(h, 0, 100);
    const name = text("path") ?? this.longName ?? (prefix ? `${prefix}/${short}` : short);
    const linkName = text("linkpath") ?? this.longLink ?? string(h, 157, 100);
    this.longName = undefined;
    this.longLink = undefined;
    if (name.includes("\0") || linkName.includes("\0")) throw bad("a name holds a NUL byte");
    const xattrs = new Map<string, Buffer>();
    for (const [key, value] of pax) if (key.startsWith("SCHILY.xattr.")) xattrs.set(key.slice("SCHILY.xattr.".length), value);
    const size = numeric("size", headerSize);
    if (!Number.isSafeInteger(size) || size < 0) throw bad("an entry has an impossible size");
    const isDirByName = type === "file" && name.endsWith("/");
    this.sink.entry({
      name,
      type: isDirByName ? "dir" : type,
      linkName,
      mode: number(h, 100, 8) & 0o7777,
      uid: numeric("uid", number(h, 108, 8)),
      gid: numeric("gid", number(h, 116, 8)),
      size: type === "file" ? size : 0,
      mtime: numeric("mtime", number(h, 136, 12)),
      major: type === "char" || type === "block" ? number(h, 329, 8) : 0,
      minor: type === "char" || type === "block" ? number(h, 337, 8) : 0,
      xattrs,
    });
    // Hard links of some writers carry the size of their target and no data (POSIX allows data only for pax "link" with size).
    this.begin("body", type === "file" ? size : 0);
  }

  private useMeta(data: Buffer): void {
    if (this.metaType === "L") this.longName = cstring(data);
    else if (this.metaType === "K") this.longLink = cstring(data);
    else if (this.metaType === "x") this.pax = paxRecords(data);
    // "g" (global) headers carry a commit id or comments; nothing in a layer depends on them.
  }
}

/** Records are "LENGTH KEY=VALUE\n" by length, so values may hold newlines and NULs. */
function paxRecords(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < data.length && data[at] !== 0; ) {
    const space = data.indexOf(0x20, at);
    const length = space < 0 || space - at > 10 ? Number.NaN : Number(data.toString("latin1", at, space));
    const equals = data.indexOf(0x3d, space);
    if (!Number.isInteger(length) || length < 5 || at + length > data.length || equals < 0 || equals >= at + length)
      throw bad("a malformed extended header");
    records.set(data.toString("latin1", space + 1, equals), Buffer.from(data.subarray(equals + 1, at + length - 1)));
    at += length;
  }
  return records;
}

function string(h: Buffer, at: number, length: number): string {
  return cstring(h.subarray(at, at + length));
}

function cstring(data: Buffer): string {
  const nul = data.indexOf(0);
  return data.toString("latin1", 0, nul < 0 ? data.length : nul);
}

/** Octal text, or GNU base-256 when the top bit is set. */
function number(h: Buffer, at: number, length: number): number {
  if (h[at]! & 0x80) {
    const negative = (h[at]! & 0x40) !== 0;
    let value = negative ? BigInt(h[at]!) - 256n : BigInt(h[at]! & 0x7f);
    for (let i = at + 1; i < at + length; i += 1) value = value * 256n + BigInt(h[i]!);
    return Number(value);
  }
  const text = string(h, at, length).trim();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw bad("a number in a header is not octal");
  return Number.parseInt(text, 8);
}

function bad(why: string, code: "image/bad-archive" | "image/unsupported" = "image/bad-archive"): BerthError {
  return new BerthError(code, `cannot read the archive: ${why}`);
}
