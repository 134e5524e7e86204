import { BerthError } from "../system/index.ts";

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group is one of them, as with Docker (runc sets it so). */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/**
 * The numbers behind a USER text ("name", "uid", "name:group", ...), looked up in the image's own passwd and group files (their text).
 * A number needs no entry; an unknown name is an error. Source of the rule: Docker's reference, USER.
 * @throws BerthError runtime/unknown-user
 */
export function resolveUser(user: string, passwd: string, group: string, extraGroups: readonly string[] = []): ContainerUser {
  const [given = "", groupName] = user.split(/:(.*)/s);
  const name = given || "0";
  checkRange(name);
  checkRange(groupName ?? "");
  const users = parse(passwd);
  const groups = parse(group);
  const entry = users.find((fields) => fields[0] === name) ?? (isNumber(name) ? users.find((fields) => fields[2] === name) : undefined);
  if (!entry && !isNumber(name)) {
    throw new BerthError("runtime/unknown-user", `unable to find user ${name}: no matching entries in passwd file`, {
      hint: "Use a number, or create the user in the image.",
    });
  }
  const gid = groupName === undefined || groupName === "" ? Number(entry?.[3] ?? 0) : groupId(groupName, groups);
  const memberOf =
    entry && groupName === undefined
      ? groups.filter((fields) => fields[3]?.split(",").includes(entry[0] ?? "")).map((fields) => Number(fields[2]))
      : [];
  const extra = extraGroups.map((text) => groupId(text, groups));
  return {
    uid: Number(entry?.[2] ?? name),
    gid,
    additionalGids: [...new Set([gid, ...memberOf, ...extra])],
    home: entry?.[5] || "/",
  };
}

function groupId(text: string, groups: readonly string[][]): number {
  const found = groups.find((fields) => fields[0] === text);
  if (found) return Number(found[2]);
  if (isNumber(text)) {
    checkRange(text);
    return Number(text);
  }
  throw new BerthError("runtime/unknown-user", `unable to find group ${text}: no matching entries in group file`, {
    hint: "Use a number, or create the group in the image.",
  });
}

/** @throws BerthError for a number that no user and no group can have */
function checkRange(text: string): void {
  if (/^-?\d+$/.test(text) && !(Number(text) >= 0 && Number(text) <= 2147483647))
    throw new BerthError("container/bad-config", "uids and gids must be in range 0-2147483647");
}

const isNumber = (text: string) => /^\d+$/.test(text);
const parse = (text: string) => text.split("\n").flatMap((line) => (line && !line.startsWith("#") ? [line.split(":")] : []));
