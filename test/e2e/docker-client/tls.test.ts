import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
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
  const signed = (name: string, by: string, extensions: string, days = "2") => {
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
      days,
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
  signed("expired", "ca", "extendedKeyUsage=clientAuth", "-1");
  signed("servers-only", "ca", "extendedKeyUsage=serverAuth");
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

it("still answers a client that has closed its own direction", async () => {
  await berth.ok(["docker", "run", "-d", "--init", "--name", "half", "busybox", "sleep", "1000"]);
  expect(await docker("client", "exec", "-i", "half", "sh", "-c", "cat; sleep 2; echo ' later'")).toMatchObject({
    exitCode: 0,
    stdout: "typed later",
  });
});

it("speaks HTTP/2 on a connection that BuildKit's clients take over", async () => {
  const pem = (name: string) => readFileSync(join(pems, name));
  const socket = connect({ host: "127.0.0.1", port, ca: pem("ca.pem"), cert: pem("client-cert.pem"), key: pem("client-key.pem") });
  socket.write("POST /grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  const head = String(((await once(socket, "data")) as [Buffer])[0]);
  expect(head).toContain("101 UPGRADED");
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings]));
  const [frame] = (await once(socket, "data")) as [Buffer];
  expect(frame[3]).toBe(4); // RFC 9113, 3.4: the server's preface is a SETTINGS frame
  socket.destroy();
});

it("refuses a client of another authority, one without a certificate, and one whose certificate is not for this", async () => {
  expect(await docker("stranger", "ps")).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/certificate|tls/i) });
  for (const client of ["expired", "servers-only"]) {
    const cert = ["--cacert", `${pems}/ca.pem`, "--cert", `${pems}/${client}-cert.pem`, "--key", `${pems}/${client}-key.pem`];
    const answer = await execa("curl", ["-sS", ...cert, `https://127.0.0.1:${port}/_ping`], { reject: false });
    expect(answer, client).toMatchObject({ stdout: "" });
    expect(answer.exitCode, client).not.toBe(0);
  }
  const bare = await execa("curl", ["-sS", "--cacert", `${pems}/ca.pem`, `https://127.0.0.1:${port}/_ping`], { reject: false });
  expect(bare.exitCode).not.toBe(0);
  const plain = await execa("curl", ["-sS", `http://127.0.0.1:${port}/_ping`], { reject: false });
  expect(plain.exitCode).not.toBe(0);
});

it("does not listen without TLS", async () => {
  await using other = await installedBerth();
  const files = ["--tlscacert", `${pems}/ca.pem`, "--tlscert", `${pems}/server-cert.pem`, "--tlskey", `${pems}/client-key.pem`];
  const mismatched = await other.call(["engine", "--host", `tcp://127.0.0.1:${port}`, "--tlsverify", ...files]);
  expect(mismatched.exitCode).not.toBe(0);
  const refused = await other.call(["engine", "--host", `tcp://127.0.0.1:${port}`]);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain("needs --tlscacert");
});
