import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { BerthError } from "../system/index.ts";
import type { RegistrySettings } from "./registry-options.ts";

/** What a connection to a registry trusts and shows: options of node:tls. */
export interface RegistryTrust {
  readonly ca?: readonly (string | Buffer)[];
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** Where certificates of registries are looked for unless the settings say where; the first directory of a registry counts. */
const directories = ["/etc/berth/certs.d", "/etc/docker/certs.d"];
/** The system's certificate authorities: Debian's, Fedora's, Alpine's. */
const bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/** The directory of a registry's certificates, whether it is there or not. */
export function trustDirectory(host: string, settings: RegistrySettings): string {
  const candidates = (settings.certsDir ? [settings.certsDir] : directories).map((directory) => join(directory, host));
  return candidates.find((directory) => existsSync(directory)) ?? candidates.at(-1)!;
}

/**
 * Docker's rules for `certs.d/<host:port>`: each `*.crt` is an authority besides the system's, `x.cert` with `x.key` the client's certificate.
 * @throws BerthError `image/registry` for one without the other
 */
export function registryTrust(host: string, settings: RegistrySettings, env: Readonly<Record<string, string | undefined>>): RegistryTrust {
  const directory = trustDirectory(host, settings);
  const names = existsSync(directory) ? readdirSync(directory).sort() : [];
  const read = (name: string) => readFileSync(join(directory, name));
  const pairs: Pick<RegistryTrust, "cert" | "key">[] = [];
  for (const name of names) {
    const other = name.endsWith(".cert") ? name.replace(/cert$/, "key") : name.endsWith(".key") ? name.replace(/key$/, "cert") : undefined;
    if (other === undefined) continue;
    if (!names.includes(other))
      throw new BerthError("image/registry", `${join(directory, name)} has no ${other} beside it`, {
        hint: "A client's certificate is x.cert with x.key; authorities end in .crt.",
      });
    if (name.endsWith(".cert")) pairs.push({ cert: read(name), key: read(other) });
  }
  const own = names.filter((name) => name.endsWith(".crt")).map(read);
  const system = env["SSL_CERT_FILE"] || bundles.find((file) => existsSync(file));
  const authorities = system && existsSync(system) ? [readFileSync(system)] : rootCertificates;
  return { ca: [...authorities, ...own], ...pairs[0] };
}
