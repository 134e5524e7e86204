import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";

export interface TestProxy extends AsyncDisposable {
  /** "127.0.0.1:port". */
  readonly host: string;
  /** What it was asked for: "CONNECT registry.test:5000", "GET http://registry.test/v2/". */
  readonly asked: readonly string[];
}

/**
 * An HTTP proxy on loopback (RFC 9110, CONNECT and absolute targets), where `names` says at which address each name is. With a user it wants to be told
 * who asks.
 */
export async function testProxy(o: { names: Readonly<Record<string, string>>; user?: string; password?: string }): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const admitted = (request: IncomingMessage) =>
    o.user === undefined ||
    request.headers["proxy-authorization"] === `Basic ${Buffer.from(`${o.user}:${o.password ?? ""}`).toString("base64")}`;
  const where = (host: string) => (o.names[host] ?? "").split(":");
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!admitted(request)) return response.writeHead(407, { "proxy-authenticate": 'Basic realm="test"' }).end();
    const url = new URL(request.url ?? "");
    const [host = "", port = ""] = where(url.host);
    if (host === "") return response.writeHead(502).end();
    const { "proxy-authorization": _, ...headers } = request.headers;
    const onward = httpRequest({ host, port, method: request.method, path: `${url.pathname}${url.search}`, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.once("error", () => response.destroy());
    return request.pipe(onward);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("connect", (request: IncomingMessage, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.on("error", () => socket.destroy());
    if (!admitted(request)) return socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const [host = "", port = ""] = where(request.url ?? "");
    if (host === "") return socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.once("error", () => socket.destroy());
    return socket.once("close", () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return {
    host: `127.0.0.1:${typeof at === "object" ? at?.port : 0}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
