import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, checkout, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { until } from "../../support/until.ts";

let berth: Berth;
let pems: string;
let port: number;
let engine: ReturnType<typeof spawn>;

/** An authority, and certificates that it and a stranger's authority signed. */
function makeCertificates(directory: string): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });
  const authority = (name: string) =>
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
    );
  const signed = (name: string, by: string, extensions: string) => {
    openssl(
      "req",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      `${name}-key.pem`,
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${name}`,
      "-addext",
      extensions,
    );
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      `${by}.pem`,
      "-CAkey",
      `${by}.key`,
      "-days",
      "2",
      "-out",
      `${name}-cert.pem`,
      "-copy_extensions",
      "copy",
    );
  };
  authority("ca");
  authority("other");
  signed("server", "ca", "subjectAltName=IP:127.0.0.1");
  signed("client", "ca", "extendedKeyUsage=clientAuth");
  signed("stranger", "other", "extendedKeyUsage=clientAuth");
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port: free } = server.address() as AddressInfo; // it listens on TCP
      server.close(() => resolve(free));
    }),
  );
}

const docker = (client: string, ...args: string[]) =>
  execa(
    "docker",
    [
      "--tlsverify",
      "--tlscacert",
      `${pems}/ca.pem`,
      "--tlscert",
      `${pems}/${client}-cert.pem`,
      "--tlskey",
      `${pems}/${client}-key.pem`,
      "-H",
      `tcp://127.0.0.1:${port}`,
      ...args,
    ],
    { env: { PATH: berth.env["PATH"] ?? "", HOME: berth.root }, extendEnv: false, reject: false, timeout: 60_000, input: "typed" },
  );

beforeAll(async () => {
  berth = await installedBerth();
  pems = mkdtempSync(join(tmpdir(), "berth-tls-"));
  mkdirSync(pems, { recursive: true });
  makeCertificates(pems);
  port = await freePort();
  const tls = [
    "--tlsverify",
    "--tlscacert",
    `${pems}/ca.pem`,
    "--tlscert",
    `${pems}/server-cert.pem`,
    "--tlskey",
    `${pems}/server-key.pem`,
  ];
  engine = spawn(join(checkout, "bin/berth"), ["engine", "--host", `tcp://127.0.0.1:${port}`, ...tls], { env: berth.env, stdio: "ignore" });
  await until(async () => (await berth.call(["engine", "status"])).exitCode === 0, { timeoutMs: 30_000, what: "the engine answers" });
  await berth.ok(["image", "load"], { input: busyboxArchive() });
});
afterAll(async () => {
  const ended = new Promise((resolve) => engine.once("exit", resolve));
  await berth[Symbol.asyncDispose]();
  await ended;
  rmSync(pems, { recursive: true, force: true });
});

it("serves a client with a certificate of the authority, connections that are taken over included", async () => {
  expect(await docker("client", "run", "--rm", "-i", "busybox", "sh", "-c", "echo got $(cat)")).toMatchObject({
    exitCode: 0,
    stdout: "got typed",
  });
});

it("refuses a client of another authority, and one without a certificate", async () => {
  expect(await docker("stranger", "ps")).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/certificate|tls/i) });
  const bare = await execa("curl", ["-sS", "--cacert", `${pems}/ca.pem`, `https://127.0.0.1:${port}/_ping`], { reject: false });
  expect(bare.exitCode).not.toBe(0);
  const plain = await execa("curl", ["-sS", `http://127.0.0.1:${port}/_ping`], { reject: false });
  expect(plain.exitCode).not.toBe(0);
});

it("does not listen without TLS", async () => {
  await using other = await installedBerth();
  const refused = await other.call(["engine", "--host", `tcp://127.0.0.1:${port}`]);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain("needs --tlscacert");
});
