import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { parseArgs } from "node:util";
import { BerthError, messageOf } from "../../system/index.ts";

/** A TCP address where the API is answered to clients that show a certificate of this authority. */
export interface TlsAddress {
  readonly host: string;
  readonly port: number;
  /** PEM texts. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * The options of the engine's program: `--host tcp://ADDRESS:PORT --tlsverify --tlscacert F --tlscert F --tlskey F`, as dockerd's. Over TCP whoever asks is root on
 * this machine, so that nothing is answered there without TLS and a client certificate.
 * @throws BerthError cli/usage
 */
export function tlsAddress(args: readonly string[]): TlsAddress | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      foreground: { type: "boolean" },
      host: { type: "string" },
      tlsverify: { type: "boolean" },
      tlscacert: { type: "string" },
      tlscert: { type: "string" },
      tlskey: { type: "string" },
    },
  });
  const { host, tlscacert, tlscert, tlskey } = values;
  const given = { tlscacert, tlscert, tlskey };
  if (host === undefined) {
    if (values.tlsverify || Object.values(given).some((file) => file !== undefined))
      throw usage("the --tls options need an address to answer on", "Give --host tcp://127.0.0.1:2376.");
    return undefined;
  }
  const address = tcpAddress(host);
  for (const [name, file] of Object.entries(given))
    if (file === undefined)
      throw usage(`${host} needs --${name}`, "Over TCP the engine answers only with TLS and to clients with a certificate.");
  if (!values.tlsverify) throw usage(`${host} needs --tlsverify`, "Over TCP the engine answers only to clients with a certificate.");
  const pems = { ca: pem("tlscacert", tlscacert), cert: pem("tlscert", tlscert), key: pem("tlskey", tlskey) };
  checkPems(pems, { tlscacert, tlscert, tlskey });
  return { ...address, ...pems };
}

/** @throws BerthError cli/usage */
export function tcpAddress(text: string): Pick<TlsAddress, "host" | "port"> {
  const match = /^tcp:\/\/(\[[0-9a-f:]+\]|[^:/[\]]+):(\d{1,5})$/i.exec(text);
  if (!match || Number(match[2]) > 65535)
    throw usage(`cannot listen on ${text}`, "It has the form tcp://ADDRESS:PORT; the unix socket is always there.");
  return { host: (match[1] ?? "").replace(/^\[(.*)\]$/, "$1"), port: Number(match[2]) };
}

/** An authority's file without a certificate would be taken for one that signed nobody, or everybody. */
function checkPems({ ca, cert, key }: Pick<TlsAddress, "ca" | "cert" | "key">, files: Readonly<Record<string, string | undefined>>): void {
  for (const [name, text] of Object.entries({ tlscacert: ca, tlscert: cert })) {
    try {
      new X509Certificate(text);
    } catch (error) {
      throw usage(`--${name} ${files[name]}: ${messageOf(error)}`, "Give a PEM file with a certificate.");
    }
  }
  try {
    createSecureContext({ ca, cert, key });
  } catch (error) {
    throw usage(
      `--tlskey ${files["tlskey"]}: ${messageOf(error)}`,
      "Give the PEM file of the key that --tlscert belongs to, without a passphrase.",
    );
  }
}

function pem(name: string, file = ""): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`--${name} ${file}: ${messageOf(error)}`, "Give a PEM file.");
  }
}

const usage = (message: string, hint: string) => new BerthError("cli/usage", message, { hint });
