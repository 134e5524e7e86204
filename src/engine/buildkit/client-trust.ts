import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { RegistryAuth } from "../../image/index.ts";
import type { ClientSession } from "./client-session.ts";
import { GrpcError, grpcCode } from "./grpc-status.ts";

const secrets = "moby.buildkit.secrets.v1.Secrets";
const ssh = "moby.sshforward.v1.SSH";
const auth = "moby.filesync.v1.Auth";

/** A secret of the client, or undefined where it has none of that name. */
export async function clientSecret(session: ClientSession, id: string, signal: AbortSignal): Promise<Buffer | undefined> {
  if (!session.offers(secrets, "GetSecret")) return undefined;
  try {
    const { data } = (await session.call(secrets, "GetSecret", { ID: id }, { signal })) as { data: Uint8Array }; // secrets.proto
    return Buffer.from(data);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** What the client is logged in with at a registry; undefined for nobody. */
export async function clientCredentials(session: ClientSession, domain: string, signal: AbortSignal): Promise<RegistryAuth | undefined> {
  if (!session.offers(auth, "Credentials")) return undefined;
  const Host = domain === "docker.io" ? "registry-1.docker.io" : domain;
  try {
    const { Username, Secret } = (await session.call(auth, "Credentials", { Host }, { signal })) as { Username: string; Secret: string }; // auth.proto
    if (Secret === "") return undefined;
    return Username === "" ? { identityToken: Secret } : { username: Username, password: Secret };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/**
 * A socket whose connections are the client's agent, below `directory`; undefined where the client forwards none of that name. It goes when
 * `signal` is aborted or the session ends.
 */
export async function clientAgent(
  session: ClientSession,
  id: string,
  o: { directory: string; uid: number; gid: number; mode: number; signal: AbortSignal },
): Promise<string | undefined> {
  if (!session.offers(ssh, "ForwardAgent")) return undefined;
  try {
    await session.call(ssh, "CheckAgent", { ID: id }, { signal: o.signal });
  } catch (error) {
    if (o.signal.aborted) throw error;
    return undefined; // the client says that it has none: the step decides whether it needs one
  }
  const signal = AbortSignal.any([o.signal, session.signal]);
  const own = mkdtempSync(join(o.directory, "ssh-"));
  const path = join(own, "agent.sock");
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    forward(session, id, socket, signal).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(own, 0o711);
  chownSync(path, o.uid, o.gid);
  chmodSync(path, o.mode);
  signal.addEventListener(
    "abort",
    () => {
      for (const socket of open) socket.destroy();
      server.close();
      rmSync(own, { recursive: true, force: true });
    },
    { once: true },
  );
  return path;
}

async function forward(session: ClientSession, id: string, socket: Socket, signal: AbortSignal): Promise<void> {
  const stream = session.open(ssh, "ForwardAgent", { signal, metadata: { "buildkit.ssh.id": id } });
  const sending = (async () => {
    for await (const chunk of socket as AsyncIterable<Buffer>) await stream.send({ data: chunk });
    stream.endSending();
  })();
  sending.catch(() => stream.cancel());
  for await (const message of stream) {
    const { data } = message as { data: Uint8Array }; // ssh.proto
    if (!socket.write(data)) await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
  }
  socket.end();
  await sending;
}

function isAbsent(error: unknown): boolean {
  return error instanceof GrpcError && (error.code === grpcCode.notFound || error.code === grpcCode.unimplemented);
}
