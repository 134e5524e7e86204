import type { Command, OptionValues } from "commander";
import type { Run } from "../invocation.ts";

/** How a command is started once its flags are known: program.ts knows the process, the grammar knows the flags. */
export type Start = <O extends OptionValues>(load: () => Promise<Run<O>>) => (...args: unknown[]) => Promise<void>;

/** Where a group of commands is added. */
export interface Grammar {
  readonly program: Command;
  readonly start: Start;
  /** Only commands of these names are declared: a call needs one of fifty. */
  readonly only?: ReadonlySet<string>;
}

/** Whether this command is declared at all. */
export function isDeclared({ only }: Grammar, name: string): boolean {
  return only === undefined || only.has(name);
}

/** One command: "up [SERVICE...]", what it does, its flags, and the module that runs it, which is loaded only then. */
export function declare<O extends OptionValues>(
  grammar: Grammar,
  usage: string,
  description: string,
  flags: (command: Command) => Command,
  load: () => Promise<Run<O>>,
): void {
  if (!isDeclared(grammar, usage.split(" ", 1)[0] ?? "")) return;
  const { program, start } = grammar;
  flags(program.command(usage).description(description)).action(start(load));
}
