import { fc, test as property } from "@fast-check/vitest";
import { expect } from "vitest";
import { BerthError } from "../system/index.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";
import { padding, tarEnd, tarHeader } from "./tar-writer.ts";

const byteString = (o: { minLength: number; maxLength: number }) =>
  fc.array(fc.integer({ min: 1, max: 255 }), o).map((bytes) => Buffer.from(bytes).toString("latin1"));
const entries = fc.array(
  fc.record({
    name: byteString({ minLength: 1, maxLength: 300 }).filter((name) => !name.endsWith("/")),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    mtime: fc.integer({ min: -1000, max: 2 ** 40 }),
    content: fc.uint8Array({ maxLength: 1500 }),
    xattr: fc.uint8Array({ maxLength: 40 }),
  }),
  { maxLength: 6 },
);

property.prop([entries, fc.integer({ min: 1, max: 700 })])("reads what was written, however it is cut", (list, step) => {
  const parts = list.flatMap((e) => {
    const content = Buffer.from(e.content);
    const xattrs = new Map([["security.capability", Buffer.from(e.xattr)]]);
    const header = tarHeader({ ...e, type: "file", linkName: "", size: content.length, major: 0, minor: 0, xattrs });
    return [header, content, padding(content.length)];
  });
  const archive = Buffer.concat([...parts, tarEnd]);
  const read: { entry: TarEntry; content: Buffer[] }[] = [];
  const reader = new TarReader({
    entry: (entry) => read.push({ entry, content: [] }),
    data: (chunk) => read.at(-1)?.content.push(Buffer.from(chunk)),
    endEntry: () => undefined,
  });
  for (let at = 0; at < archive.length; at += step) reader.push(archive.subarray(at, at + step));
  reader.end();
  expect(
    read.map(({ entry: { name, mode, uid, gid, mtime, xattrs }, content }) => ({
      name,
      mode,
      uid,
      gid,
      mtime,
      content: Buffer.concat(content).toString("hex"),
      xattr: xattrs.get("security.capability")?.toString("hex"),
    })),
  ).toEqual(list.map((e) => ({ ...e, content: Buffer.from(e.content).toString("hex"), xattr: Buffer.from(e.xattr).toString("hex") })));
});

property.prop([fc.uint8Array({ maxLength: 3000 })])("throws nothing but BerthError on any bytes", (bytes) => {
  const reader = new TarReader({ entry: () => undefined, data: () => undefined, endEntry: () => undefined });
  try {
    reader.push(Buffer.from(bytes));
    reader.end();
  } catch (error) {
    expect(error).toBeInstanceOf(BerthError);
  }
});
