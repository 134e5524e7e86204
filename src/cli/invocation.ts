import { BerthError } from "../system/error.ts";
import type { EngineClient } from "./client/index.ts";
import { type CliContext, extended, wantsColor } from "./context.ts";

/** The flags before the command, as in `docker compose`. */
export interface Globals {
  readonly file?: readonly string[];
  readonly projectName?: string;
  readonly profile?: readonly string[];
  readonly envFile?: readonly string[];
  readonly projectDirectory?: string;
  readonly progress?: ProgressKind;
  readonly ansi?: "auto" | "always" | "never";
  readonly dryRun?: boolean;
  readonly parallel?: number;
  readonly allResources?: boolean;
  readonly compatibility?: boolean;
  readonly debug?: boolean;
}

export const progressKinds = ["auto", "tty", "plain", "json", "quiet"] as const;
export type ProgressKind = (typeof progressKinds)[number];

/** One call of one command: the process it runs in, the global flags, and the way to the engine. */
export interface Invocation extends CliContext {
  readonly globals: Globals;
  readonly color: boolean;
  readonly colorErr: boolean;
  /** A client of the engine, which is started where it does not run. */
  engine(): Promise<EngineClient>;
  /** Writes one line (or lines) to stdout. */
  print(text: string): void;
}

/** What runs a command: answers its exit code. */
// biome-ignore lint/suspicious/noConfusingVoidType: a command that has nothing to answer returns nothing.
export type Run<Options> = (cli: Invocation, args: readonly string[], options: Options) => Promise<number | void>;

export function invocation(context: CliContext, globals: Globals): Invocation {
  let client: Promise<EngineClient> | undefined;
  return extended(context, {
    globals,
    get color() {
      return wantsColor(context.env, context.stdout, globals.ansi);
    },
    get colorErr() {
      return wantsColor(context.env, context.stderr, globals.ansi);
    },
    engine: () => {
      client ??= connectEngine(context);
      return client;
    },
    print: (text: string) => context.stdout.write(`${text}\n`),
  });
}

async function connectEngine(context: CliContext): Promise<EngineClient> {
  const [{ connectToEngine }, { EngineClient }] = await Promise.all([import("./engine-process.ts"), import("./client/index.ts")]);
  return new EngineClient(context.paths.socket, await connectToEngine(context));
}

/** A refusal of the command line itself. */
export function usageError(message: string, hint?: string): BerthError {
  return new BerthError("cli/usage", message, hint === undefined ? {} : { hint });
}
