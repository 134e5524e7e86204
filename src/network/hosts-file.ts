/** One name table entry of a network: a container's address there and the names it answers to. */
export interface NamedAddress {
  readonly address: string;
  readonly names: readonly string[];
}

const kept = { begin: "# Names of this container's networks, kept up to date by Berth:", end: "# (end of these names)" } as const;

/**
 * /etc/hosts of a container. As Docker has it, what was asked (extra_hosts) comes before its own addresses, a name with dots is followed by its first part, and its
 * own addresses, which scripts take the last line for, are at the end; between them is everybody on its networks, so that names resolve while no engine runs. One line
 * per address: the C library answers all the lines of a name, which is how replicas are told.
 */
export function hostsFile(o: {
  readonly hostname: string;
  readonly domainname: string;
  readonly own: readonly string[];
  readonly extra: readonly { readonly name: string; readonly address: string }[];
  readonly neighbours: readonly NamedAddress[];
}): string {
  const whole = o.domainname ? `${o.hostname}.${o.domainname}` : o.hostname;
  const self = whole.includes(".") ? `${whole} ${whole.split(".")[0]}` : whole;
  const isKnown = o.own.length + o.neighbours.length > 0;
  return [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::\tip6-localnet",
    "ff00::\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
    ...o.extra.map(({ name, address }) => `${address}\t${name}`),
    // The first line of an address has its canonical name (hostname -f).
    ...(o.domainname ? o.own.slice(0, 1).map((address) => `${address}\t${self}`) : []),
    ...(isKnown ? [kept.begin, ...o.neighbours.map(({ address, names }) => `${address}\t${names.join(" ")}`), kept.end] : []),
    ...o.own.map((address) => `${address}\t${self}`),
    "",
  ].join("\n");
}

/**
 * The file with the names and own addresses of another one, and all else as it is: programs inside may have written lines of their own. One that they wrote anew
 * stays.
 */
export function withNamesOf(file: string, other: string): string {
  const [old, renewed] = [partsOf(file), partsOf(other)];
  if (!old) return file;
  const own = renewed?.after ?? [];
  const names = new Set(own.map(namesOf));
  const isOwn = (line: string) => names.has(namesOf(line));
  const after = old.after.filter((line) => !isOwn(line));
  const before = renewed ? [...old.before.filter((line) => !isOwn(line)), ...renewed.before.filter(isOwn)] : old.before;
  return [...before, kept.begin, ...(renewed?.known ?? []), kept.end, ...after, ...own, ""].join("\n");
}

const namesOf = (line: string): string => line.split("\t")[1] ?? "";

/** The lines before, between and after the marks; without the empty end. */
function partsOf(file: string): { before: string[]; known: string[]; after: string[] } | undefined {
  const lines = file.replace(/\n$/, "").split("\n");
  const [begin, end] = [lines.indexOf(kept.begin), lines.indexOf(kept.end)];
  return begin >= 0 && end > begin
    ? { before: lines.slice(0, begin), known: lines.slice(begin + 1, end), after: lines.slice(end + 1) }
    : undefined;
}
