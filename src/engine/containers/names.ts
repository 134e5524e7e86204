import { randomBytes } from "node:crypto";
import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";

/** @throws BerthError container/bad-config, container/name-taken */
export function checkName(name: string, all: readonly ContainerRecord[], shown = name): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
    throw new BerthError("container/bad-config", `Invalid container name (${shown}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  const other = all.find((record) => record.Name === `/${name}`);
  if (other)
    throw new BerthError(
      "container/name-taken",
      `Conflict. The container name "/${name}" is already in use by container "${other.Id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
}

/** A name for a container whose creator gave none: two words, and a number once most pairs may be taken. */
export function freeName(all: readonly ContainerRecord[]): string {
  const taken = new Set(all.map((record) => record.Name));
  for (;;) {
    const name = `${pick(adjectives)}_${pick(nouns)}${all.length > 200 ? randomBytes(2).readUInt16LE() : ""}`;
    if (!taken.has(`/${name}`)) return name;
  }
}

const adjectives =
  "brave calm clever eager fair gentle happy keen kind lively lucid merry neat noble proud quick quiet sharp sunny swift tidy warm wise witty".split(
    " ",
  );
const nouns =
  "anchor beacon bollard bow buoy canal cargo chart cleat compass crane deck dock ferry galley gull harbor helm hull jetty keel lock mast pier quay rudder sail".split(
    " ",
  );
const pick = (words: readonly string[]) => words[Math.floor(Math.random() * words.length)] ?? "";
