import { Command, CommanderError, Option } from "commander";
import type { CliContext } from "./context.ts";
import { declareChange } from "./grammar/change.ts";
import { declareConfig } from "./grammar/config.ts";
import type { Grammar, Start } from "./grammar/declare.ts";
import { declareDevelop } from "./grammar/develop.ts";
import { declareEngine } from "./grammar/engine.ts";
import { declareImages } from "./grammar/images.ts";
import { declareInside } from "./grammar/inside.ts";
import { declareLook } from "./grammar/look.ts";
import { integer, many, plainBooleans } from "./grammar/options.ts";
import { declareOwn } from "./grammar/own.ts";
import { type Globals, invocation, progressKinds, usageError } from "./invocation.ts";

/** Runs one Compose-like command line; answers its exit code. @throws BerthError for everything that goes wrong */
export async function runCompose(argv: readonly string[], context: CliContext): Promise<number> {
  if (argv[0] === "__complete") {
    const { complete } = await import("./completion/complete.ts");
    return complete(
      buildProgram(() => async () => {}, context),
      argv.slice(1),
      context,
    );
  }
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) return runCompose(["version"], context);
  if (argv.length === 0) {
    buildProgram(() => async () => {}, context).outputHelp();
    return 0;
  }
  // What most calls need is built in a fraction of the time. Help, and what is wrong with a call, is said by the whole.
  if (!argv.some((word) => ["help", "--help", "-h"].includes(word))) {
    const code = await parse(argv, context, new Set(argv)).catch((error: unknown) => {
      if (!(error instanceof CommanderError)) throw error;
    });
    if (code !== undefined) return code;
  }
  try {
    return (await parse(argv, context)) ?? 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    const [what = "", ...more] = error.message.replace(/^error: /, "").split("\n");
    const words = argv.filter((word) => !word.startsWith("-"));
    const known = buildProgram(() => async () => {}, context, new Set(words)).commands.find((one) => words.includes(one.name()));
    const suggestion = more.join(" ").replace(/^\((.*)\)$/, "$1");
    throw usageError(what, suggestion || `\`berth ${known ? `${known.name()} ` : ""}--help\` says what there is.`);
  }
}

/** Answers the exit code, or undefined where no command was called. @throws CommanderError for what does not fit the grammar, also when it has shown help */
async function parse(argv: readonly string[], context: CliContext, only?: ReadonlySet<string>): Promise<number | undefined> {
  let code: number | undefined;
  const start: Start =
    (load) =>
    async (...args) => {
      const command = args.at(-1) as Command; // Commander hands the command over last
      const globals = withEnvironment(command.optsWithGlobals<Globals>(), program.opts<Globals>(), context);
      if (globals.dryRun && command.name() === "engine") throw usageError("berth engine has no dry run");
      if (globals.dryRun && command.parent?.name() === "engine") throw usageError(`berth engine ${command.name()} has no dry run`);
      const run = await load();
      code = (await run(invocation(context, globals), command.args, command.opts<Parameters<typeof run>[2]>())) ?? 0;
    };
  const program = buildProgram(start, context, only);
  if (program.commands.length === 0) return undefined;
  await program.parseAsync(plainBooleans(argv, program), { from: "user" });
  return code;
}

/** The grammar, of all commands or of some; loads no command. A part of it shows nothing. */
export function buildProgram(start: Start, context: Pick<CliContext, "stdout">, only?: ReadonlySet<string>): Command {
  const program = new Command("berth")
    .description("Run a compose.yaml on this machine, with an engine of its own")
    .usage("[OPTIONS] COMMAND")
    .option("-f, --file <file>", "Compose file; may be given several times", many)
    .option("-p, --project-name <name>", "project name")
    .option("--profile <name>", "profile to enable; may be given several times", many)
    .option("--env-file <file>", "environment file for interpolation; may be given several times", many)
    .option("--project-directory <dir>", "working directory (default: that of the first Compose file)")
    .addOption(new Option("--progress <type>", "how progress is shown").choices(progressKinds))
    .addOption(new Option("--ansi <when>", "when to print ANSI control characters").choices(["auto", "always", "never"]))
    .option("--parallel <n>", "how many things happen at a time, -1 for no limit", integer)
    .option("--dry-run", "show what would happen and change nothing")
    .option("--all-resources", "include networks and volumes that no service uses")
    .option("--compatibility", "container names with underscores")
    .option("--debug", "show what is behind an error")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .helpCommand("help [COMMAND]", "display help for a command")
    .configureOutput({
      writeOut: (text) => only || context.stdout.write(text),
      writeErr: (text) => only || context.stdout.write(text),
      outputError: () => {},
    })
    .exitOverride();
  program.addHelpText("after", "\nDocker's commands: berth docker ...; berth image|volume|network|container|system ...");
  const grammar: Grammar = { program, start, ...(only ? { only } : {}) };
  program.commandsGroup("Up and down:");
  declareChange(grammar);
  program.commandsGroup("Developing:");
  declareDevelop(grammar);
  program.commandsGroup("Looking:");
  declareLook(grammar);
  declareConfig(grammar);
  program.commandsGroup("Inside containers:");
  declareInside(grammar);
  program.commandsGroup("Images:");
  declareImages(grammar);
  program.commandsGroup("Berth itself:");
  declareOwn(grammar);
  declareEngine(grammar);
  for (const command of program.commands) {
    if (command.name() === "engine") continue;
    command.option("--dry-run", "show what would happen and change nothing").copyInheritedSettings(program);
  }
  return program;
}

/** COMPOSE_* variables stand in for flags that were not given (compose-spec, "Environment variables in Compose"). */
function withEnvironment(all: Globals, own: Globals, { env }: CliContext): Globals {
  const progress = own.progress ?? progressKinds.find((kind) => kind === env["COMPOSE_PROGRESS"]);
  const ansi = own.ansi ?? (["auto", "always", "never"] as const).find((when) => when === env["COMPOSE_ANSI"]);
  const parallel = own.parallel ?? (env["COMPOSE_PARALLEL_LIMIT"] ? integer(env["COMPOSE_PARALLEL_LIMIT"]) : undefined);
  return {
    ...own,
    ...(progress ? { progress } : {}),
    ...(ansi ? { ansi } : {}),
    ...(parallel === undefined ? {} : { parallel }),
    ...(all.dryRun ? { dryRun: true } : {}),
  };
}
