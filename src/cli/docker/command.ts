import type { EngineClient } from "../client/index.ts";
import type { CliContext } from "../context.ts";
import { type FlagSpec, type Flags, flagSpecs } from "./flags.ts";

/** One call of one docker command. */
export interface Call extends CliContext {
  readonly flags: Flags;
  readonly args: readonly string[];
  readonly engine: EngineClient;
  /** The options before the command. */
  readonly globals: Flags;
  /** One line (or lines) on stdout. */
  print(text: string): void;
  printError(text: string): void;
}

export interface DockerCommand {
  /** What follows the name: "[OPTIONS] CONTAINER [CONTAINER...]". */
  readonly usage: string;
  readonly about: string;
  readonly flags: readonly FlagSpec[];
  /** How many arguments: at least, at most. */
  readonly arity: readonly [number, number];
  /** What is wrong with a value, by the flag's name: said while the command line is read. */
  readonly checks?: Readonly<Record<string, (value: string) => string | undefined>> | undefined;
  /** Whether flags may follow the first positional. */
  readonly interspersed: boolean;
  /** False: the command is about this side alone; no engine is started for it. */
  readonly needsEngine: boolean;
  /** Answers the exit code, 0 where nothing is answered. */
  readonly run: (call: Call) => Promise<number | undefined> | Promise<void>;
}

/** Declares a command; `flags` in the form of flagSpecs. */
export function command(o: {
  usage: string;
  about: string;
  flags?: string;
  arity?: readonly [number, number];
  interspersed?: boolean;
  needsEngine?: boolean;
  checks?: DockerCommand["checks"];
  run: DockerCommand["run"];
}): DockerCommand {
  return { arity: [0, 0], interspersed: true, needsEngine: true, ...o, flags: flagSpecs(o.flags ?? "") };
}

export const many = Number.POSITIVE_INFINITY;

/** Docker's sentence about a wrong number of arguments, or undefined. */
export function arityProblem(name: string, [least, most]: DockerCommand["arity"], count: number): string | undefined {
  if (count >= least && count <= most) return undefined;
  const plural = (n: number) => `${n} argument${n === 1 ? "" : "s"}`;
  const what =
    most === 0
      ? "accepts no arguments"
      : least === most
        ? `requires ${plural(least)}`
        : most === many
          ? `requires at least ${plural(least)}`
          : least === 0
            ? `requires at most ${plural(most)}`
            : `requires at least ${least} and at most ${plural(most)}`;
  return `docker: 'docker ${name}' ${what}`;
}
