import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

export interface TestRegistry extends AsyncDisposable {
  /** "127.0.0.1:port". */
  readonly host: string;
  /** Where its blobs are: `<data>/docker/registry/v2/blobs/sha256/<ab>/<hex>/data`. */
  readonly data: string;
  /** With `tls`: the certificate authority that signed its certificate. */
  readonly caFile: string;
  /** With `clientCa`: a certificate that the same authority signed, and its key. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** Ends its process at once; `start` brings it back on the same port with the same content. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/**
 * Debian's docker-registry on loopback: plain, with TLS (a CA of its own, also for the name registry.test), with a user and password, or for clients
 * with a certificate only.
 */
export async function testRegistry(o: { tls?: boolean; clientCa?: boolean; user?: string; password?: string } = {}): Promise<TestRegistry> {
  const base = mkdtempSync(join(tmpdir(), "registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const [caFile, data] = [join(base, "ca.crt"), join(base, "data")];
  if (o.tls) makeCertificates(base);
  if (o.user) writeFileSync(join(base, "htpasswd"), execFileSync("htpasswd", ["-nbB", o.user, o.password ?? ""]));
  const tls = {
    certificate: join(base, "server.crt"),
    key: join(base, "server.key"),
    ...(o.clientCa ? { clientcas: [caFile] } : {}),
  };
  const config = {
    version: "0.1",
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: data }, delete: { enabled: true } },
    http: { addr: host, ...(o.tls ? { tls } : {}) },
    ...(o.user ? { auth: { htpasswd: { realm: "test", path: join(base, "htpasswd") } } } : {}),
  };
  writeFileSync(join(base, "config.yml"), JSON.stringify(config));
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn("docker-registry", ["serve", join(base, "config.yml")], { stdio: "ignore" });
    child.once("error", () => undefined); // said by the wait below
    await until(() => listens(host), { timeoutMs: 20_000, what: "docker-registry (apt-get install docker-registry)" });
  };
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  await start();
  return {
    host,
    data,
    caFile,
    clientCertFile: join(base, "client.crt"),
    clientKeyFile: join(base, "client.key"),
    kill,
    start,
    [Symbol.asyncDispose]: async () => {
      await kill();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

function makeCertificates(base: string): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: base, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test-ca");
  writeFileSync(join(base, "ext"), "subjectAltName=IP:127.0.0.1,DNS:registry.test\n");
  for (const name of ["server", "client"]) {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const signed = ["-in", `${name}.csr`, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", `${name}.crt`];
    openssl("x509", "-req", ...signed, "-days", "2", ...(name === "server" ? ["-extfile", "ext"] : []));
  }
}

async function listens(host: string): Promise<boolean> {
  const { connect } = await import("node:net");
  const [address = "", port = ""] = host.split(":");
  return new Promise((resolve) => {
    const socket = connect(Number(port), address);
    socket.once("connect", () => resolve(socket.destroy() !== undefined));
    socket.once("error", () => resolve(false));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
