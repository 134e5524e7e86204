import { existsSync } from "node:fs";

interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy?: string;
  readonly trusted: boolean;
}

/**
 * The one-line sources for a suite, made from the sources of this machine: the same mirrors, with the machine's own suite replaced by the
 * asked one. Sources of other vendors are left out; where none is left, the distribution's own mirror is used.
 */
export function aptSourceLines(
  files: readonly { name: string; text: string }[],
  o: { distribution: "debian" | "ubuntu"; suite: string },
): string[] {
  const lines = new Set<string>();
  for (const source of files.flatMap((file) => (file.name.endsWith(".sources") ? deb822(file.text) : oneLine(file.text)))) {
    for (const uri of source.uris) {
      if (!uri.includes(o.distribution) || source.components.length === 0 || !source.components.includes("main")) continue;
      for (const suite of source.suites) {
        const pocket = /^[a-z]+(-updates|-security|-backports|\/updates)?$/.exec(suite);
        if (!pocket || pocket[1] === "-backports") continue;
        // Options in brackets: the keyring that the machine trusts for it.
        const options = [
          source.signedBy && existsSync(source.signedBy) ? `signed-by=${source.signedBy}` : "",
          source.trusted ? "trusted=yes" : "",
        ].filter(Boolean);
        const components = o.distribution === "ubuntu" ? ["main", "universe"] : ["main"];
        lines.add(`deb ${options.length > 0 ? `[${options.join(" ")}] ` : ""}${uri} ${o.suite}${pocket[1] ?? ""} ${components.join(" ")}`);
      }
    }
  }
  // Development suites have no -updates or -security that must exist.
  const plain = [...lines].filter((line) => !/^(sid|unstable|testing|forky)$/.test(o.suite) || line.includes(` ${o.suite} `));
  if (plain.length > 0) return plain;
  return o.distribution === "debian"
    ? [`deb http://deb.debian.org/debian ${o.suite} main`]
    : [`deb http://archive.ubuntu.com/ubuntu ${o.suite} main universe`];
}

function oneLine(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1];
    const base = {
      uris: [uri],
      suites: [suite],
      components: components.split(/\s+/).filter(Boolean),
      trusted: /(?:^|\s)trusted=yes/.test(options),
    };
    return [signedBy ? { ...base, signedBy } : base];
  });
}

/** Stanzas of "Key: value", continued by lines that start with a blank (apt's sources.list(5), DEB822). */
function deb822(text: string): AptSource[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    let key = "";
    for (const line of stanza.split("\n").filter((candidate) => !candidate.startsWith("#"))) {
      const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (match) {
        key = match[1]!.toLowerCase();
        fields.set(key, match[2]!);
      } else if (/^\s/.test(line) && key) fields.set(key, `${fields.get(key)}\n${line.trim()}`);
    }
    const words = (name: string) => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (!words("types").includes("deb") || fields.get("enabled")?.toLowerCase() === "no") return [];
    const signedBy = fields.get("signed-by")?.trim();
    const base = {
      uris: words("uris"),
      suites: words("suites"),
      components: words("components"),
      trusted: fields.get("trusted")?.toLowerCase() === "yes",
    };
    return [signedBy?.startsWith("/") && !signedBy.includes("\n") ? { ...base, signedBy } : base];
  });
}
