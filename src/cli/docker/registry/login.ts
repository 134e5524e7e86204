import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { eraseCredentials, storeCredentials, storedCredentials } from "../../../system/docker-credentials.ts";
import { type Call, command } from "../command.ts";
import { DockerExit, UsageError } from "../usage-error.ts";
import { wireAuth } from "./auth-header.ts";

const hub = "https://index.docker.io/v1/";

export const login = command({
  usage: "[OPTIONS] [SERVER]",
  about: "Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
  flags: `
    -p, --password string  Password or Personal Access Token (PAT)
    --password-stdin  Take the Password or Personal Access Token (PAT) from stdin
    -u, --username string  Username
  `,
  arity: [0, 1],
  run: async (call) => {
    const server = serverAddress(call.args[0]);
    const known = call.flags.given("username") || call.flags.given("password-stdin") ? undefined : await storedCredentials(server, call);
    if (known && (known.identityToken || known.password !== undefined)) {
      call.print("Authenticating with existing credentials...");
      const answer = await ask(call, server, wireAuth(known));
      call.print(`\n${answer.Status}`);
      return;
    }
    const { username, password } = await credentials(call);
    const answer = await ask(call, server, { username, password });
    const identityToken = answer.IdentityToken;
    const file = await storeCredentials(server, { username, password, ...(identityToken ? { identityToken } : {}) }, call);
    if (file !== undefined) {
      call.printError(`\nWARNING! Your credentials are stored unencrypted in '${file}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/\n`);
    }
    call.print(answer.Status);
  },
});

export const logout = command({
  usage: "[SERVER]",
  about: "Log out from a registry.\nIf no server is specified, the default is defined by the daemon.",
  arity: [0, 1],
  run: async (call) => {
    const server = serverAddress(call.args[0]);
    const shown = call.args[0] === undefined ? hub : server;
    if (!(await eraseCredentials(server, call))) {
      call.print(`Not logged in to ${shown}`);
      return;
    }
    call.print(`Removing login credentials for ${shown}`);
  },
});

/** A registry's host, or Docker Hub's historical address. */
function serverAddress(text: string | undefined): string {
  const host = (text ?? "").replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return ["", "docker.io", "index.docker.io", "registry-1.docker.io"].includes(host) ? hub : host;
}

function ask(call: Call, serveraddress: string, auth: Record<string, string>): Promise<{ Status: string; IdentityToken?: string }> {
  return call.engine.json("POST", "/auth", { body: { ...auth, serveraddress }, signal: call.signal });
}

async function credentials(call: Call): Promise<{ username: string; password: string }> {
  const { flags, stdin } = call;
  const given = flags.text("username");
  if (flags.on("password-stdin")) {
    if (flags.given("password")) throw new UsageError("conflicting options: cannot specify both --password and --password-stdin");
    if (!given) throw new UsageError("the --password-stdin option requires --username to be set");
    const chunks: Buffer[] = [];
    for await (const chunk of stdin as AsyncIterable<Buffer>) chunks.push(chunk);
    const password = Buffer.concat(chunks)
      .toString()
      .replace(/\r?\n$/, "");
    if (password === "") throw new DockerExit(1, "password is empty");
    return { username: given, password };
  }
  if (flags.given("password")) call.printError("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
  if ((!given || !flags.given("password")) && !stdin.isTTY)
    throw new DockerExit(1, "Error: Cannot perform an interactive login from a non TTY device");
  const username = given || (await question(call, "Username: ", false));
  if (username === "") throw new DockerExit(1, "Error: username is required");
  const password = flags.text("password") ?? (await question(call, "Password: ", true));
  if (password === "") throw new DockerExit(1, "Error: password is required");
  return { username, password };
}

/** One line from the terminal; a hidden one is not echoed. */
async function question({ stdin, stdout, signal }: Call, prompt: string, hidden: boolean): Promise<string> {
  stdout.write(prompt);
  const output = new Writable({
    write(chunk, _, done) {
      if (!hidden) stdout.write(chunk as Buffer);
      done();
    },
  });
  const lines = createInterface({ input: stdin, output, terminal: true });
  try {
    return (await lines.question("", { signal })).trim();
  } finally {
    lines.close();
    if (hidden) stdout.write("\n");
  }
}
