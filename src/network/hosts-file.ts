/** One name table entry of a network: a container's address there and the names it answers to. */
export interface NamedAddress {
  readonly address: string;
  readonly names: readonly string[];
}

/**
 * /etc/hosts of a container. As Docker has it, what was asked (extra_hosts) comes before its own addresses, and a name with dots is followed by its first
 * part; then everybody on its networks, so that names resolve while no engine runs. One line per address: the C library answers all the lines of a name,
 * which is how replicas are told.
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
  return [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::\tip6-localnet",
    "ff00::\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
    ...o.extra.map(({ name, address }) => `${address}\t${name}`),
    ...o.own.map((address) => `${address}\t${self}`),
    ...o.neighbours.map(({ address, names }) => `${address}\t${names.join(" ")}`),
    "",
  ].join("\n");
}
