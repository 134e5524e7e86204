import { basename } from "node:path";
import { BerthError } from "../../system/error.ts";
import { EngineClient, EngineError } from "../client/index.ts";
import { type CliContext, extended } from "../context.ts";
import { arityProblem, type Call, type DockerCommand } from "./command.ts";
import { type FlagSpec, type Flags, flagSpecs, parseFlags } from "./flags.ts";
import { TemplateError } from "./format/template-parse.ts";
import { groupHelp, helpText, topHelp, usageLine } from "./help.ts";
import { DockerExit, UsageError } from "./usage-error.ts";
import { commands, managementAbout, refusedGroups, shortNames } from "./words.ts";

/**
 * Docker's own command grammar over the engine's socket: names, options, output, exit codes and the wording of errors are those of the
 * `docker` CLI 28. `compose` is Berth's own. Loads only what the command needs.
 */
export async function runDocker(argv: readonly string[], context: CliContext): Promise<number> {
  const globals = flagSpecs(globalFlags(context.env));
  let top: ReturnType<typeof parseFlags>;
  try {
    top = parseFlags(argv, globals, { interspersed: false });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    context.stderr.write(`${error.message}\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\nRun 'docker --help' for more information\n`);
    return 125;
  }
  const wrong = await globalsAnswer(top.flags, context);
  if (wrong) {
    (wrong.code === 0 ? context.stdout : context.stderr).write(`${wrong.text}\n`);
    return wrong.code;
  }
  const [first, ...rest] = top.args;
  if (first === "compose") return (await import("../program.ts")).runCompose(rest, context);
  const words = first === "help" ? [...rest, "--help"] : top.args;
  const found = findCommand(words, globals, context.stdout.columns ?? 80);
  if ("text" in found) {
    (found.code === 0 ? context.stdout : context.stderr).write(await found.text);
    return found.code;
  }
  const { shown, args } = found;
  const one = await found.load();
  return runCommand(shown, one, args, context, top.flags);
}

/** `--version`, and what is wrong with the options before the command. */
async function globalsAnswer(flags: Flags, { dist }: CliContext): Promise<{ text: string; code: number } | undefined> {
  if (flags.on("version"))
    return { text: `Docker version ${(await import("../commands/version.ts")).berthVersion(dist)}, build Berth`, code: 0 };
  const level = flags.text("log-level");
  if (level !== undefined && !["debug", "info", "warn", "error", "fatal", "panic", "trace"].includes(level))
    return { text: `Unable to parse logging level: ${level}`, code: 1 };
  const initialize = "Failed to initialize: unable to resolve docker endpoint:";
  if (flags.text("context") && flags.given("host"))
    return { text: "conflicting options: cannot specify both --host and --context", code: 1 };
  const host = flags.list("host").at(-1);
  if (host !== undefined && !/^(unix|tcp|ssh|fd|npipe|http|https):\/\//.test(host) && host.includes("://"))
    return { text: `${initialize} invalid bind address format: ${host}`, code: 1 };
  return undefined;
}

const globalFlags = (env: CliContext["env"], config = env["DOCKER_CONFIG"] ?? `${env["HOME"] ?? ""}/.docker`) => `
  --config string  Location of client config files (default "${config}")
  -c, --context string  Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set with "docker context use")
  -D, --debug  Enable debug mode
  -H, --host string...  Daemon socket to connect to
  -l, --log-level string  Set the logging level ("debug", "info", "warn", "error", "fatal") (default "info")
  --tls  Use TLS; implied by --tlsverify
  --tlscacert string  Trust certs signed only by this CA (default "${config}/ca.pem")
  --tlscert string  Path to TLS certificate file (default "${config}/cert.pem")
  --tlskey string  Path to TLS key file (default "${config}/key.pem")
  --tlsverify  Use TLS and verify the remote
  -v, --version  Print version information and quit
`;

async function runCommand(name: string, one: DockerCommand, argv: readonly string[], context: CliContext, globals: Flags): Promise<number> {
  const usage = `${usageLine(name, one)}\n\nRun 'docker ${name} --help' for more information\n`;
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(argv, one.flags, one);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    context.stderr.write(`${error.message}\n\n${usage}`);
    return 125;
  }
  if (parsed.help) {
    context.stdout.write(helpText(name, one, context.stdout.columns ?? 80));
    return 0;
  }
  const wrong = arityProblem(name, one.arity, parsed.args.length);
  if (wrong) {
    context.stderr.write(`${wrong}\n\n${one.arity[1] === Number.POSITIVE_INFINITY ? usage.replace("\nRun '", "\nSee '") : usage}`);
    return 1;
  }
  const unsupported = one.flags.filter(
    ({ name: flag, hidden }) => (hidden === "windows" || hidden === "experimental") && parsed.flags.given(flag),
  );
  if (unsupported.length > 0) {
    context.stderr.write(`${unsupported.map(whyUnsupported).join("\n")}\n`);
    return 1;
  }
  const env = globals.given("config") ? { ...context.env, DOCKER_CONFIG: globals.text("config") } : context.env;
  try {
    const call: Call = extended(context, {
      env,
      flags: parsed.flags,
      args: parsed.args,
      globals,
      engine: one.needsEngine ? await connectEngine(extended(context, { env }), globals) : new EngineClient(context.paths.socket),
      print: (text: string) => {
        context.stdout.write(`${text}\n`);
      },
      printError: (text: string) => {
        context.stderr.write(`${text}\n`);
      },
    });
    return (await one.run(call)) ?? 0;
  } catch (error) {
    return endOf(error, name, usage, context);
  }
}

const whyUnsupported = ({ name, hidden }: FlagSpec): string =>
  `"--${name}" is only supported on a Docker daemon ${hidden === "windows" ? "running on windows, but the Docker daemon is running on linux" : "with experimental features enabled"}`;

/** Shows why a command ended, in Docker's words, and answers its exit code. */
function endOf(error: unknown, name: string, usage: string, context: CliContext): number {
  if (error instanceof DockerExit) {
    if (error.message) context.stderr.write(`${error.message}\n`);
    return error.code;
  }
  // A value that a flag cannot have is told as it is while flags are read.
  if (error instanceof UsageError && error.message.startsWith("invalid argument ")) {
    context.stderr.write(`${error.message}\n\n${usage}`);
    return 125;
  }
  if (error instanceof UsageError) {
    const running = name.endsWith("run") || name.endsWith("create");
    context.stderr.write(
      running ? `docker: ${error.message}\n\nRun 'docker ${name} --help' for more information\n` : `${error.message}\n\n${usage}`,
    );
    return 125;
  }
  if (error instanceof TemplateError) {
    context.stderr.write(`template parsing error: ${error.message}\n`);
    return error.kind === "parse" ? 64 : 1;
  }
  if (!(error instanceof BerthError)) throw error;
  const socket =
    error.code === "api/unavailable" && !(error instanceof EngineError) && /^no engine answers at (\S+)$/.exec(error.message)?.[1];
  context.stderr.write(
    socket ? `Cannot connect to the Docker daemon at ${socket}. Is the docker daemon running?\n` : `${errorText(error)}\n`,
  );
  return 1;
}

/** "Error response from daemon: ..." for what the engine answered; the hint of Berth's own on a line below. */
export function errorText(error: BerthError): string {
  const text = error instanceof EngineError ? `Error response from daemon: ${error.message}` : error.message;
  return error.hint ? `${text}\n  ${error.hint}` : text;
}

/** The engine's own socket (started on demand), or what -H, a context or (where we are called `docker`) DOCKER_HOST names. */
async function connectEngine(context: CliContext, globals: Flags): Promise<EngineClient> {
  const own = `unix://${context.paths.socket}`;
  const host = namesAnEngine(globals) ? (await import("./context/current.ts")).chosenHost(context, globals) : own;
  if (host !== own) {
    if (!host.startsWith("unix://")) throw new DockerExit(1, `unable to connect to ${host}: only unix:// sockets are supported`);
    return new EngineClient(host.slice("unix://".length));
  }
  const { connectToEngine } = await import("../engine-process.ts");
  return new EngineClient(context.paths.socket, await connectToEngine(context));
}

/** Whether anything but our own engine may be meant: only then the contexts are looked at. */
const namesAnEngine = (globals: Flags): boolean =>
  globals.given("host") || globals.given("context") || basename(process.argv[1] ?? "") === "docker";

type Found =
  | { readonly shown: string; readonly load: () => Promise<DockerCommand>; readonly args: readonly string[] }
  | { readonly text: string | Promise<string>; readonly code: number };

function findCommand(words: readonly string[], globals: readonly FlagSpec[], columns: number): Found {
  const [first = "", second = ""] = words;
  for (const [name, rest] of [
    [`${first} ${second}`, words.slice(2)],
    [first, words.slice(1)],
  ] as const) {
    const load = commands[shortNames[name] ?? name];
    if (load) return { shown: name, load, args: rest };
  }
  if (first === "" || first === "--help" || first === "-h") return { text: topHelp(globals, columns), code: 0 };
  const refusal = refusedGroups[first];
  if (refusal !== undefined) return { text: `${refusal}\n`, code: 1 };
  if (managementAbout[first] === undefined)
    return { text: `docker: unknown command: docker ${first}\n\nRun 'docker --help' for more information\n`, code: 1 };
  if (second === "" || second.startsWith("-")) return { text: groupHelp(first), code: 0 };
  return {
    text: `docker: unknown command: docker ${first} ${second}\n\nUsage:  docker ${first}\n\nRun 'docker ${first} --help' for more information\n`,
    code: 1,
  };
}
