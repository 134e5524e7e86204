import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
import { BerthError, errnoOf, messageOf } from "../system/index.ts";
import type { RegistrySettings } from "./registry-options.ts";

/** Where settings are looked for; the first file that is there counts. */
const files = ["/etc/berth/registries.json", "/etc/docker/daemon.json"];

/**
 * How registries are reached, from the file that BERTH_REGISTRIES names, /etc/berth/registries.json, or Docker's daemon.json: its keys
 * `insecure-registries` and `registry-mirrors`, and our own `certs-dir`.
 * @throws BerthError `image/registry` for a file that cannot be read
 */
export function readRegistrySettings(env: Readonly<Record<string, string | undefined>>): RegistrySettings {
  const own = env["BERTH_REGISTRIES"];
  for (const file of own ? [own] : files) {
    try {
      const found = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>; // checked below
      const words = (key: string) =>
        Array.isArray(found[key]) ? (found[key] as unknown[]).filter((item) => typeof item === "string") : [];
      const certsDir = found["certs-dir"];
      return {
        insecureRegistries: words("insecure-registries"),
        mirrors: words("registry-mirrors"),
        ...(typeof certsDir === "string" ? { certsDir } : {}),
      };
    } catch (error) {
      if (!own && errnoOf(error) === "ENOENT") continue;
      throw new BerthError("image/registry", `cannot read the registry settings in ${file}: ${messageOf(error)}`, { cause: error });
    }
  }
  return {};
}

/** Whether a registry ("host" or "host:port") is listed as insecure: by name, or by an address range that its address is in. */
export function isInsecure(host: string, listed: readonly string[]): boolean {
  if (listed.includes(host)) return true;
  const address = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const family = isIP(address);
  if (family === 0) return listed.includes(address);
  return listed.some((entry) => {
    const [network = "", bits] = entry.split("/");
    if (bits === undefined || isIP(network) !== family) return false;
    const range = new BlockList();
    range.addSubnet(network, Number(bits), family === 6 ? "ipv6" : "ipv4");
    return range.check(address, family === 6 ? "ipv6" : "ipv4");
  });
}
