import { posix } from "node:path";

/** A short volume: `[SOURCE:]TARGET[:OPTIONS]`, as the mapping it stands for. */
export interface ShortVolume {
  type: "bind" | "volume";
  source?: string;
  target: string;
  read_only?: boolean;
  bind?: { create_host_path: true; propagation?: string; selinux?: string };
  volume?: { nocopy?: boolean };
}

const propagations = new Set(["rprivate", "private", "rshared", "shared", "rslave", "slave"]);

/**
 * Reads the short form. A single letter before a colon is a Windows drive; a source that starts with `.`, `/` or `~` is a path, whose directory is
 * made where it is missing (compose-spec 05-services.md, volumes; compose-go, format/volume.go).
 * @returns the volume and the options that mean nothing, or what is wrong
 */
export function shortVolume(text: string): { volume: ShortVolume; unknown: readonly string[] } | { error: string } {
  if (text === "") return { error: "a volume cannot be empty" };
  if (text.length <= 2) return { volume: { type: "volume", target: text }, unknown: [] };
  const parts = sections(text);
  if (parts.some((part) => part === "")) return { error: `"${text}" has an empty part between its colons` };
  if (parts.length > 3) return { error: `"${text}" has too many colons` };
  const [first = "", second, options] = parts;
  const source = second === undefined ? undefined : first;
  const volume: ShortVolume = { type: isPath(source ?? "") ? "bind" : "volume", target: cleanTarget(second ?? first) };
  if (source !== undefined) volume.source = source;
  const unknown: string[] = [];
  const bind: Omit<NonNullable<ShortVolume["bind"]>, "create_host_path"> = {};
  let nocopy = false;
  for (const option of options?.split(",") ?? []) {
    if (option === "ro") volume.read_only = true;
    else if (option === "rw") delete volume.read_only;
    else if (option === "nocopy") nocopy = true;
    else if (propagations.has(option)) bind.propagation = option;
    else if (option === "z" || option === "Z") bind.selinux = option;
    else unknown.push(option);
  }
  if (volume.type === "bind") volume.bind = { ...bind, create_host_path: true };
  else {
    volume.volume = nocopy ? { nocopy } : {};
    if (Object.keys(bind).length > 0) volume.bind = bind as NonNullable<ShortVolume["bind"]>;
  }
  if (volume.type === "bind" && nocopy) volume.volume = { nocopy };
  return { volume, unknown };
}

/** Where a short volume is mounted; undefined where it cannot be read. */
export function mountTarget(text: string): string | undefined {
  const result = shortVolume(text);
  return "error" in result ? undefined : result.volume.target;
}

export function cleanTarget(target: string): string {
  if (target === "") return "";
  const clean = posix.normalize(target);
  return clean.length > 1 ? clean.replace(/\/$/, "") : clean;
}

/** Splits at colons that are in no `${...}` and after no drive letter. */
function sections(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    if (char === "$" && text[index + 1] === "{") depth++;
    if (char === "}" && depth > 0) depth--;
    if (char === ":" && depth === 0 && !/^\p{L}$/u.test(part)) {
      parts.push(part);
      part = "";
    } else {
      part += char;
    }
  }
  return [...parts, part];
}

function isPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith("\\\\") || /^\p{L}:/u.test(source);
}
