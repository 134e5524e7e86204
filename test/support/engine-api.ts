import { Agent, request } from "node:http";
import type { Container, ContainerCreateBody } from "../../src/api/index.ts";

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly state: Container["State"];
}

/** Less than a test may take: what hangs is named. */
const answerMs = 90_000;

/** The Docker API of one engine, for tests that ask many small things: a command line for each would be most of their time. */
export class EngineApi {
  readonly #socket: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** The answer's body. Throws with the engine's message for a status of 400 and more, and where the answer takes longer than a minute and a half. */
  async bytes(method: string, path: string, body?: unknown): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          socketPath: this.#socket,
          agent: this.#agent,
          method,
          path: `/v1.47${path}`,
          headers: body === undefined ? {} : { "Content-Type": "application/json" },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () => {
            const all = Buffer.concat(chunks);
            if ((answer.statusCode ?? 500) < 400) resolve(all);
            else reject(new Error((JSON.parse(all.toString()) as { message: string }).message));
          });
        },
      );
      const limit = setTimeout(() => call.destroy(new Error(`no whole answer to ${method} ${path} within ${answerMs} ms`)), answerMs);
      call.on("close", () => clearTimeout(limit));
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const bytes = await this.bytes(method, path, body);
    return (bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined) as T; // the caller names the endpoint's type
  }

  inspect(ref: string): Promise<Container> {
    return this.json("GET", `/containers/${ref}/json`);
  }

  async create(body: ContainerCreateBody, name?: string): Promise<string> {
    return (await this.json<{ Id: string }>("POST", `/containers/create${name ? `?name=${name}` : ""}`, { Image: "busybox", ...body })).Id;
  }

  /** Creates and starts; answers the id. */
  async start(body: ContainerCreateBody, name?: string): Promise<string> {
    const id = await this.create(body, name);
    await this.bytes("POST", `/containers/${id}/start`);
    return id;
  }

  /** Both streams of what it wrote, trimmed. */
  async logs(ref: string, query = ""): Promise<{ stdout: string; stderr: string }> {
    const bytes = await this.bytes("GET", `/containers/${ref}/logs?stdout=1&stderr=1${query}`);
    const text = { 1: "", 2: "" };
    for (let at = 0; at + 8 <= bytes.length; ) {
      const length = bytes.readUInt32BE(at + 4);
      text[bytes[at] === 2 ? 2 : 1] += bytes.toString("utf8", at + 8, at + 8 + length);
      at += 8 + length;
    }
    return { stdout: text[1].trim(), stderr: text[2].trim() };
  }

  /** Runs a container to its end and removes it with its anonymous volumes. */
  async run(body: ContainerCreateBody): Promise<Ended> {
    const id = await this.create(body);
    try {
      await this.bytes("POST", `/containers/${id}/start`);
      return await this.ended(id);
    } finally {
      await this.remove(id);
    }
  }

  async ended(id: string): Promise<Ended> {
    const { StatusCode: exitCode } = await this.json<{ StatusCode: number }>("POST", `/containers/${id}/wait`);
    return { exitCode, ...(await this.logs(id)), state: (await this.inspect(id)).State };
  }

  /** Runs a command in a running container. */
  async exec(ref: string, command: readonly string[], o: Record<string, unknown> = {}): Promise<{ exitCode: number; output: string }> {
    const { Id } = await this.json<{ Id: string }>("POST", `/containers/${ref}/exec`, {
      Cmd: command,
      Tty: true,
      AttachStdout: true,
      AttachStderr: true,
      ...o,
    });
    const output = (await this.bytes("POST", `/exec/${Id}/start`, { Tty: true })).toString().replaceAll("\r\n", "\n").trim();
    const { ExitCode } = await this.json<{ ExitCode: number }>("GET", `/exec/${Id}/json`);
    return { exitCode: ExitCode, output };
  }

  async remove(ref: string): Promise<void> {
    await this.bytes("DELETE", `/containers/${ref}?force=1&v=1`);
  }

  close(): void {
    this.#agent.destroy();
  }
}
