import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { errnoOf } from "../system/index.ts";

/**
 * The host's path of a path inside a root: every link is followed inside the root, as the container's own kernel would, and never leads out.
 * The last component is followed too unless `nofollow`. Components that do not exist are kept as they are.
 */
export function resolveInside(root: string, path: string, o: { nofollow?: boolean } = {}): string {
  let inside = "/";
  let rest = posix.normalize(`/${path}`).split("/").filter(Boolean);
  for (let links = 0; rest.length > 0; ) {
    const [name = "", ...others] = rest;
    rest = others;
    if (name === "..") {
      inside = dirname(inside);
      continue;
    }
    const next = posix.join(inside, name);
    if (o.nofollow && rest.length === 0) return join(root, next);
    const target = linkTarget(join(root, next));
    if (target === undefined) {
      inside = next;
      continue;
    }
    if (++links > 255) throw Object.assign(new Error(`too many links in ${path}`), { code: "ELOOP" });
    rest = [...target.split("/").filter((part) => part && part !== "."), ...rest];
    if (target.startsWith("/")) inside = "/";
  }
  return join(root, inside);
}

/** Text of a file inside a root; empty where there is none. */
export function readInside(root: string, path: string): string {
  try {
    return readFileSync(resolveInside(root, path), "utf8");
  } catch {
    return "";
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
