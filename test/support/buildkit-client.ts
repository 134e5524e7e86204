import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceError,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Method, Protocol } from "../../src/engine/buildkit/protocol.ts";

export const control = "moby.buildkit.v1.Control";
export const gateway = "moby.buildkit.v1.frontend.LLBBridge";

export interface TestSession {
  readonly id: string;
  /** Cuts the connection, as a client that dies. */
  kill(): void;
}

/** A client of BuildKit's protocol on @grpc/grpc-js, over the connections that an engine's socket gives for POST /grpc and POST /session. */
export interface BuildkitClient extends AsyncDisposable {
  call<T>(service: string, method: string, request: object, o?: { metadata?: Record<string, string>; signal?: AbortSignal }): Promise<T>;
  /** Everything that a stream of the engine says, to its end. */
  collect<T>(service: string, method: string, request: object): Promise<T[]>;
  /** Offers services to builds: handlers of grpc-js by "service/method". */
  session(handlers: Readonly<Record<string, UntypedHandleCall>>, o?: { sharedKey?: string }): Promise<TestSession>;
}

export async function buildkitClient(socketPath: string): Promise<BuildkitClient> {
  const protocol = new Protocol();
  const path = join(tmpdir(), `grpc-${randomBytes(6).toString("hex")}.sock`);
  const open = new Set<Socket>();
  const proxy = createServer((downstream) => {
    upgraded(socketPath, "/grpc", {}).then(
      (upstream) => {
        for (const socket of [upstream, downstream]) {
          open.add(socket);
          socket.on("error", () => socket.destroy());
          socket.on("close", () => [upstream, downstream].map((one) => one.destroy()));
        }
        upstream.pipe(downstream).pipe(upstream);
      },
      () => downstream.destroy(),
    );
  });
  await new Promise<void>((resolve) => proxy.listen(path, resolve));
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  const servers: Server[] = [];
  const methodOf = (service: string, name: string): Method => {
    const method = protocol.methods(service)[name];
    if (!method) throw new Error(`${service} has no method ${name}`);
    return method;
  };
  return {
    call: (service, name, request, o = {}) => {
      const { path: methodPath, request: sent, response } = methodOf(service, name);
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(o.metadata ?? {})) metadata.set(key, value);
      return new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          methodPath,
          (value: object) => sent.encode(value),
          (bytes) => response.decode(bytes),
          request,
          metadata,
          (error, answer) => (error ? reject(error) : resolve(answer as never)), // the caller knows the method's message
        );
        o.signal?.addEventListener("abort", () => call.cancel(), { once: true });
      });
    },
    collect: async (service, name, request) => {
      const { path: methodPath, request: sent, response } = methodOf(service, name);
      const all: object[] = [];
      const stream = client.makeServerStreamRequest(
        methodPath,
        (value: object) => sent.encode(value),
        (bytes) => response.decode(bytes),
        request,
      );
      for await (const message of stream) all.push(message as object);
      return all as never; // the caller knows the method's message
    },
    session: async (handlers, o = {}) => {
      const server = new Server();
      servers.push(server);
      for (const service of new Set(Object.keys(handlers).map((key) => key.split("/")[0] ?? ""))) {
        const own = Object.entries(handlers).filter(([key]) => key.startsWith(`${service}/`));
        const implementation: UntypedServiceImplementation = Object.fromEntries(
          own.map(([key, handler]) => [key.split("/")[1] ?? "", handler]),
        );
        const definition = Object.fromEntries(
          Object.entries(protocol.methods(service)).map(([name, method]) => [name, definitionOf(method)]),
        );
        server.addService(definition, implementation);
      }
      const id = randomBytes(12).toString("hex");
      const socket = await upgraded(socketPath, "/session", {
        "X-Docker-Expose-Session-Uuid": id,
        "X-Docker-Expose-Session-Sharedkey": o.sharedKey ?? "",
        "X-Docker-Expose-Session-Grpc-Method": Object.keys(handlers).map((key) => `/${key}`),
      });
      open.add(socket);
      server.createConnectionInjector(ServerCredentials.createInsecure()).injectConnection(socket);
      return { id, kill: () => socket.destroy() };
    },
    [Symbol.asyncDispose]: async () => {
      client.close();
      for (const server of servers) server.forceShutdown();
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
      rmSync(path, { force: true });
    },
  };
}

/** The error of a call, with google.rpc.Status's details decoded. */
export async function failure(
  call: Promise<unknown>,
): Promise<{ code: number; message: string; details: { type_url: string; value: string }[] }> {
  const error = await call.then(
    () => undefined,
    (reason: ServiceError) => reason,
  );
  if (!error) throw new Error("the call did not fail");
  const bytes = error.metadata?.get("grpc-status-details-bin")[0];
  const status = bytes ? new Protocol().codec("google.rpc.Status").decode(bytes as Buffer) : { details: [] };
  const { details } = status as { details: { type_url: string; value: Buffer }[] }; // google/rpc/status.proto
  return {
    code: error.code,
    message: error.details,
    details: details.map(({ type_url, value }) => ({ type_url, value: Buffer.from(value).toString() })),
  };
}

function definitionOf(method: Method): MethodDefinition<object, object> {
  return {
    path: method.path,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: (value) => method.request.encode(value),
    requestDeserialize: (bytes) => method.request.decode(bytes),
    responseSerialize: (value) => method.response.encode(value),
    responseDeserialize: (bytes) => method.response.decode(bytes),
  };
}

function upgraded(socketPath: string, path: string, headers: Readonly<Record<string, string | readonly string[]>>): Promise<Socket> {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () =>
      socket.write(`POST ${path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${lines.join("")}\r\n`),
    );
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", onData);
      socket.pause();
      if (!head.toString("latin1").startsWith("HTTP/1.1 101")) reject(new Error(head.toString()));
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    socket.on("data", onData);
    socket.once("error", reject);
  });
}
