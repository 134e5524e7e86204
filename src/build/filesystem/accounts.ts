import { readFileSync } from "node:fs";
import { BerthError } from "../../system/index.ts";
import { type Lookup, resolvePath } from "./resolve-path.ts";
import type { Owner } from "./writable-root.ts";

/**
 * The owner that `--chown=user[:group]` means in a root file system; names come from its /etc/passwd and /etc/group. A name that is not there is
 * told to `onUnknown` and stands for root, or for the user's own group, as with BuildKit (solver/llbsolver/file); without it that is an error.
 */
export function parseOwner(text: string, root: Lookup, onUnknown?: (message: string) => void): Owner {
  const [name = "", group] = text.split(":");
  const user = name === "" ? "0" : name;
  const unknown = (kind: string, which: string, instead: number): number => {
    const message = `there is no ${kind} "${which}" in /etc/${kind === "user" ? "passwd" : "group"} of the image`;
    if (!onUnknown) throw new BerthError("build/context", message, { hint: "Create it in an earlier RUN, or use a number." });
    onUnknown(`${message}: ${instead} is taken instead`);
    return instead;
  };
  const account = /^\d+$/.test(user) ? undefined : accounts(root).find((candidate) => candidate.name === user);
  const uid = account?.uid ?? (/^\d+$/.test(user) ? Number(user) : unknown("user", user, 0));
  const ownGid = account?.gid ?? uid;
  if (group === undefined || group === "") return { uid, gid: ownGid };
  if (/^\d+$/.test(group)) return { uid, gid: Number(group) };
  const line = records(root, "etc/group").find(([name]) => name === group);
  return { uid, gid: line ? Number(line[2]) : unknown("group", group, ownGid) };
}

/** Numeric ids and home of a USER instruction's value; root with "/" for an id that has no account. */
export function userOf(text: string, root: Lookup): Owner & { home: string } {
  const [user = ""] = text.split(":");
  const account = accounts(root).find((candidate) =>
    user === "" ? candidate.uid === 0 : candidate.name === user || String(candidate.uid) === user,
  );
  const home = account?.home || (user === "" || user === "0" || user === "root" ? "/root" : "/");
  if (text === "") return { uid: 0, gid: 0, home };
  if (!account && !text.includes(":") && /^\d+$/.test(user)) return { uid: Number(user), gid: 0, home };
  return { ...parseOwner(text, root), home };
}

function accounts(root: Lookup): { name: string; uid: number; gid: number; home: string }[] {
  return records(root, "etc/passwd").map(([name = "", , uid, gid, , home = ""]) => ({ name, uid: Number(uid), gid: Number(gid), home }));
}

function records(root: Lookup, path: string): string[][] {
  const entry = root.entry(resolvePath(root, path));
  if (!entry?.stat.isFile()) return [];
  return readFileSync(entry.hostPath, "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length > 2);
}
