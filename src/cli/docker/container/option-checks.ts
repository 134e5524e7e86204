import { isIP } from "node:net";

/** What is wrong with a value of an option, or nothing. */
export type OptionCheck = (value: string) => string | undefined;

/** What the docker CLI finds wrong with a value while it reads the command line of `run` and `create` (docker/cli opts/). */
export const createChecks: Readonly<Record<string, OptionCheck>> = {
  "add-host": addHost,
  annotation: () => undefined,
  attach: (value) =>
    ["stdin", "stdout", "stderr"].includes(value.toLowerCase()) ? undefined : "valid streams are STDIN, STDOUT and STDERR",
  "device-cgroup-rule": (value) =>
    /^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(value) ? undefined : `invalid device cgroup format '${value}'`,
  dns: (value) => (isIP(value.trim()) ? undefined : `IP address is not correctly formatted: ${value}`),
  "dns-search": dnsSearch,
  env: (value) => (value === "" || value.startsWith("=") ? `invalid environment variable: ${value}` : undefined),
  link: (value) => (value.split(":").length > 2 || value === "" ? `bad format for links: ${value}` : undefined),
  sysctl,
  ulimit,
};

function addHost(value: string): string | undefined {
  const match = /^([^:=]+)[:=](.+)$/.exec(value);
  if (!match) return `bad format for add-host: ${JSON.stringify(value)}`;
  const address = (match[2] ?? "").replace(/^\[(.*)\]$/, "$1");
  return address === "host-gateway" || isIP(address) ? undefined : `invalid IP address in add-host: ${JSON.stringify(match[2])}`;
}

/** "name=address" and "name:[::1]" in the one form that the API has. */
export function hostMapping(value: string): string {
  const [, name = "", address = ""] = /^([^:=]+)[:=](.+)$/s.exec(value) ?? [];
  return `${name}:${address.replace(/^\[(.*)\]$/, "$1")}`;
}

function dnsSearch(value: string): string | undefined {
  const domain = value.trim();
  if (domain === ".") return undefined;
  const label = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?";
  return new RegExp(`^${label}(\\.${label})*\\.?$`).test(domain) && /[a-zA-Z]/.test(domain) ? undefined : `${domain} is not a valid domain`;
}

const sysctlNames = new Set(
  "kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rmid_forced".split(" "),
);

function sysctl(value: string): string | undefined {
  const [name = ""] = value.split("=");
  const isKnown = sysctlNames.has(name) || name.startsWith("net.") || name.startsWith("fs.mqueue.");
  return value.includes("=") && isKnown ? undefined : `sysctl '${value}' is not allowed`;
}

const ulimitNames = new Set("core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "));

function ulimit(value: string): string | undefined {
  const [name = "", limits] = [
    value.slice(0, Math.max(0, value.indexOf("="))),
    value.includes("=") ? value.slice(value.indexOf("=") + 1) : undefined,
  ];
  if (limits === undefined) return `invalid ulimit argument: ${value}`;
  if (!ulimitNames.has(name)) return `invalid ulimit type: ${name}`;
  const [soft = "", hard = soft, more] = limits.split(":");
  if (more !== undefined) return `too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``;
  for (const one of [soft, hard]) if (!/^-?\d+$/.test(one)) return `strconv.ParseInt: parsing ${JSON.stringify(one)}: invalid syntax`;
  if (Number(hard) !== -1 && (Number(soft) === -1 || Number(soft) > Number(hard)))
    return `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`;
  return undefined;
}
