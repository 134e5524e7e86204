import type { TarEntry } from "./tar-reader.ts";

const flags: Record<TarEntry["type"], string> = { file: "0", link: "1", symlink: "2", char: "3", block: "4", dir: "5", fifo: "6" };

/** The header blocks of one entry: ustar, with a PAX header in front only where ustar cannot say it. Deterministic. */
export function tarHeader(e: TarEntry): Buffer {
  const pax: [string, Buffer][] = [];
  const add = (key: string, value: string) => pax.push([key, Buffer.from(value, "latin1")]);
  if (e.name.length > 100 || /[\x80-\xff]/.test(e.name)) add("path", e.name);
  if (e.linkName.length > 100 || /[\x80-\xff]/.test(e.linkName)) add("linkpath", e.linkName);
  if (e.size > 0o77777777777) add("size", String(e.size));
  if (e.uid > 0o7777777) add("uid", String(e.uid));
  if (e.gid > 0o7777777) add("gid", String(e.gid));
  const seconds = Math.floor(e.mtime);
  if (seconds < 0 || seconds > 0o77777777777) add("mtime", String(seconds));
  for (const [key, value] of [...e.xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) pax.push([`SCHILY.xattr.${key}`, value]);
  const main = ustar(e.name, flags[e.type], e);
  if (pax.length === 0) return main;
  const body = Buffer.concat(pax.map(([key, value]) => paxRecord(key, value)));
  const plain = { ...e, size: body.length, linkName: "", mode: 0o644, uid: 0, gid: 0, mtime: 0, major: 0, minor: 0 };
  return Buffer.concat([ustar("PaxHeaders.0/x", "x", plain), body, padding(body.length), main]);
}

/** Two zero blocks. */
export const tarEnd: Buffer = Buffer.alloc(1024);

/** What fills the last block of `size` bytes of content. */
export function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

/** "LENGTH KEY=VALUE\n", where the length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function ustar(name: string, flag: string, e: TarEntry): Buffer {
  const h = Buffer.alloc(512);
  h.write(name.slice(0, 100), 0, 100, "latin1");
  const octal = (value: number, at: number, length: number, max: number) =>
    h.write((value > max || value < 0 ? 0 : Math.floor(value)).toString(8).padStart(length - 1, "0"), at, "latin1");
  octal(e.mode, 100, 8, 0o7777777);
  octal(e.uid, 108, 8, 0o7777777);
  octal(e.gid, 116, 8, 0o7777777);
  octal(e.size, 124, 12, 0o77777777777);
  octal(e.mtime, 136, 12, 0o77777777777);
  h.write(flag, 156, "latin1");
  h.write(e.linkName.slice(0, 100), 157, 100, "latin1");
  h.write("ustar\x0000", 257, "latin1");
  if (flag === "3" || flag === "4") {
    octal(e.major, 329, 8, 0o7777777);
    octal(e.minor, 337, 8, 0o7777777);
  }
  h.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of h) sum += byte;
  h.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return h;
}
