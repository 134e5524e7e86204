import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LocalSources } from "./local-sources.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sources-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const manifest = { a: "420 0 0 5 0" };

function sendOnce(sources: LocalSources, key = "k"): void {
  const lease = sources.lease(key, { reuse: true });
  lease.change();
  writeFileSync(join(lease.directory, "a"), "hello");
  lease.keep(manifest, "local source for context");
  lease.release();
}

it("gives the next build of a directory what the last one left, also to the next engine", () => {
  sendOnce(new LocalSources(root));
  const lease = new LocalSources(root).lease("k", { reuse: true });
  expect([lease.manifest, existsSync(join(lease.directory, "a"))]).toEqual([manifest, true]);
});

it("does not trust a directory in which an engine that was killed had begun to change something", () => {
  sendOnce(new LocalSources(root));
  new LocalSources(root).lease("k", { reuse: true }).change();
  expect(new LocalSources(root).lease("k", { reuse: true }).manifest).toEqual({});
});

it("gives two builds at a time a directory each", () => {
  const sources = new LocalSources(root);
  sendOnce(sources);
  const [first, second] = [sources.lease("k", { reuse: true }), sources.lease("k", { reuse: true })];
  expect(second.directory).not.toBe(first.directory);
  expect(second.manifest).toEqual({});
});

it("forgets a directory whose transfer did not end, and one that is not to be used again", () => {
  const sources = new LocalSources(root);
  sendOnce(sources);
  sources.lease("k", { reuse: true }).release();
  expect(existsSync(join(sources.lease("k", { reuse: true }).directory, "a"))).toBe(false);
  const once = sources.lease("other", { reuse: false });
  once.keep(manifest, "x");
  once.release();
  expect(existsSync(once.directory)).toBe(false);
});

it("lists what is kept, and removes what nobody uses", () => {
  const sources = new LocalSources(root);
  sendOnce(sources);
  sendOnce(sources, "second");
  expect(sources.list()).toMatchObject([{ bytes: 5, inUse: false }, { description: "local source for context" }]);
  expect(sources.prune({ unusedForMs: 3_600_000 })).toEqual([]);
  sources.lease("second", { reuse: true });
  expect(sources.prune({ unusedForMs: 0 })).toHaveLength(1);
  expect(sources.list()).toMatchObject([{ inUse: true }]);
});
