import type { Duplex } from "node:stream";
import { BerthError } from "../../system/index.ts";
import { type Call, type Route, route } from "../http/http.ts";
import type { BuildKit, BuildKitOptions } from "./buildkit.ts";

export { LocalSources } from "./files/local-sources.ts";

/**
 * POST /grpc and POST /session: BuildKit's protocol for `docker build` with the buildx plugin, `docker buildx` and `docker compose build`. Both
 * connections become HTTP/2: on the first the engine answers BuildKit's services, on the second the client answers the engine's calls for
 * its files, secrets, agents and credentials. The gRPC code is loaded when the first client comes.
 */
export function buildkitRoutes(options: BuildKitOptions): {
  routes: Route[];
  /** POST /build?version=2 */
  build(call: Call): Promise<void>;
  close(): Promise<void>;
} {
  let loading: Promise<BuildKit> | undefined;
  const buildkit = (): Promise<BuildKit> => {
    loading ??= import("./buildkit.ts").then((module) => new module.BuildKit(options));
    return loading;
  };
  return {
    routes: [
      route("POST", "/grpc", async (call) => {
        checkUpgrade(call);
        const services = await buildkit();
        services.serve(await takeOver(call));
        await gone(call);
      }),
      route("POST", "/session", async (call) => {
        checkUpgrade(call);
        const { sessions } = await buildkit();
        sessions.check(call.request.headers);
        await sessions.add(call.request.headers, await takeOver(call));
      }),
      route("POST", "/build/cancel", async (call) => (await buildkit()).builds.cancel(call)),
    ],
    build: async (call) => await (await buildkit()).builds.build(call),
    close: async () => (await loading)?.close(),
  };
}

function checkUpgrade({ upgrade, request }: Call): void {
  if (!upgrade || request.headers.upgrade?.toLowerCase() !== "h2c")
    throw new BerthError("api/bad-parameter", `protocol ${request.headers.upgrade ?? ""} is not supported: upgrade to h2c`);
}

/** Answers 101; the socket is HTTP/2's from here on. */
async function takeOver({ upgrade }: Call): Promise<Duplex> {
  const { socket, head } = upgrade!; // checked before
  // node:http2 takes the connection below its stream, where the end of a write that is not its own ends the process.
  await new Promise((resolve) => socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", resolve));
  if (head.length > 0) socket.unshift(head);
  // Over TLS node:http2 looks for its protocol in the handshake; here the upgrade has agreed on it.
  if ("alpnProtocol" in socket) socket.alpnProtocol = "h2";
  // HTTP/2 has no half-closed connections; the server leaves them open for other uses.
  socket.on("end", () => socket.destroy());
  socket.on("error", () => socket.destroy());
  return socket;
}

function gone({ signal }: Call): Promise<void> {
  return new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true })));
}
