import { homedir } from "node:os";
import { resolve } from "node:path";
import type { ServicePort, ServiceVolume } from "../api/index.ts";
import { usageError } from "./invocation.ts";

/**
 * -p of `run`: "[[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]", each port a number or a range (compose-spec 05-services.md, ports, short syntax).
 * Ranges of one length are pairs; a longer host range for one port stays a range to choose from.
 */
export function parsePublish(text: string): ServicePort[] {
  const match = /^(?:(?:(\[[\da-fA-F:.]+\]|[\d.]+):)?([\d-]*):)?([\d-]+)(?:\/(tcp|udp|sctp))?$/.exec(text);
  const target = match && range(match[3] ?? "");
  const published = match?.[2] ? range(match[2]) : undefined;
  if (!match || !target || (match[2] && !published))
    throw usageError(`invalid --publish "${text}"`, 'It is [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL], e.g. "127.0.0.1:8080:80".');
  const base = {
    mode: "ingress" as const,
    protocol: match[4] ?? "tcp",
    ...(match[1] ? { host_ip: match[1].replace(/^\[|\]$/g, "") } : {}),
  };
  if (!published) return target.map((port) => ({ ...base, target: port }));
  if (target.length === 1 && published.length > 1)
    return [{ ...base, target: target[0] ?? 0, published: `${published[0]}-${published.at(-1)}` }];
  if (target.length !== published.length) throw usageError(`invalid --publish "${text}": the ranges differ in length`);
  return target.map((port, index) => ({ ...base, target: port, published: String(published[index]) }));
}

/** "80" or "80-82"; undefined for anything else. */
function range(text: string): number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || first > last || last > 65535) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** -v of `run`: "[SOURCE:]TARGET[:OPTIONS]"; a source with a slash, a dot or a tilde in front is a path from `cwd`, any other a volume's name. */
export function parseVolume(text: string, cwd: string): ServiceVolume {
  const parts = text.split(":");
  if (parts.length > 3 || parts.some((part) => part === ""))
    throw usageError(`invalid --volume "${text}"`, "It is [SOURCE:]TARGET[:OPTIONS].");
  const [source, target, options = ""] = parts.length === 1 ? [undefined, parts[0]] : parts;
  if (!target?.startsWith("/")) throw usageError(`invalid --volume "${text}": the target ${target} is not an absolute path`);
  const words = options.split(",").filter(Boolean);
  const unknown = words.find((word) => !knownVolumeOptions.includes(word));
  if (unknown) throw usageError(`invalid --volume "${text}": unknown option "${unknown}"`, `There are: ${knownVolumeOptions.join(", ")}.`);
  const readOnly = words.includes("ro") ? { read_only: true } : {};
  if (source === undefined || !/^[./~]/.test(source)) {
    const nocopy = words.includes("nocopy") ? { volume: { nocopy: true } } : {};
    return { type: "volume", target, ...(source === undefined ? {} : { source }), ...readOnly, ...nocopy };
  }
  const propagation = words.find((word) => word.endsWith("private") || word.endsWith("shared") || word.endsWith("slave"));
  const selinux = words.find((word) => word === "z" || word === "Z");
  const bind = { create_host_path: true, ...(propagation ? { propagation } : {}), ...(selinux ? { selinux } : {}) };
  return { type: "bind", source: resolve(cwd, source.replace(/^~(?=\/|$)/, homedir())), target, ...readOnly, bind };
}

const knownVolumeOptions = ["ro", "rw", "nocopy", "z", "Z", "private", "rprivate", "shared", "rshared", "slave", "rslave"];

/** "KEY=VALUE"; "KEY" alone takes the value that it has here, and is left out where it has none. */
export function environmentEntries(entries: readonly string[], env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const entry of entries) {
    const at = entry.indexOf("=");
    const name = at < 0 ? entry : entry.slice(0, at);
    if (!name) throw usageError(`invalid environment variable "${entry}"`, "It is NAME=VALUE, or NAME for the value that it has here.");
    const value = at < 0 ? env[name] : entry.slice(at + 1);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** "KEY=VALUE" labels; "KEY" alone has an empty value. */
export function labelEntries(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => [entry.split("=")[0] ?? "", entry.includes("=") ? entry.slice(entry.indexOf("=") + 1) : ""]),
  );
}

/** A command line as one string -> words, with a shell's quotes and backslashes, and nothing else of a shell (as go-shellwords, which Compose uses). */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [token, single, double, escaped, blank] of text.matchAll(/'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|(\s+)|[\s\S]/g)) {
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (single === undefined && double === undefined && escaped === undefined && /['"\\]/.test(token)) {
      throw usageError(`invalid command line string: ${text}`, "A quote or a backslash has no partner.");
    } else word = (word ?? "") + (single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? token);
  }
  if (word !== undefined) words.push(word);
  return words;
}
