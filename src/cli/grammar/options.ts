import { type Command, Option } from "commander";
import { usageError } from "../invocation.ts";

/** Commander parsers for the value kinds of Compose's flags. */
export function many(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

export function integer(value: string): number {
  if (!/^[+-]?\d+$/.test(value.trim())) throw usageError(`"${value}" is not a whole number`);
  return Number(value);
}

/** `--scale web=3 --scale worker=2` -> { web: 3, worker: 2 } */
export function scales(value: string, earlier: Readonly<Record<string, number>> = {}): Record<string, number> {
  const at = value.indexOf("=");
  const count = value.slice(at + 1);
  if (at < 1 || !/^\d+$/.test(count)) throw usageError(`invalid --scale "${value}": it is SERVICE=NUMBER`);
  return { ...earlier, [value.slice(0, at)]: Number(count) };
}

/** "512m" -> bytes, with binary units, as Docker's -m. */
export function byteSize(value: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(value.trim());
  if (!match) throw usageError(`"${value}" is not a size`, "It is a number with b, k, m or g behind it.");
  return Math.floor(Number(match[1]) * 1024 ** Math.max(0, "bkmgt".indexOf((match[2] || "b").toLowerCase())));
}

/** A flag that is understood but not listed. */
export function hidden(flags: string, description = ""): Option {
  return new Option(flags, description).hideHelp();
}

/** `--flag=true` and `--flag=false` for flags without a value, which Go's flag parsers take and Commander does not. */
export function plainBooleans(argv: readonly string[], program: Command): string[] {
  const result: string[] = [];
  let command = program;
  for (let index = 0; index < argv.length; index++) {
    const word = (argv[index] ?? "").replace(/^--no-TTY(?==|$)/, "--no-tty");
    if (word === "--") return [...result, ...argv.slice(index)];
    if (!word.startsWith("-") || word === "-") {
      const sub = command === program ? program.commands.find((one) => one.name() === word || one.aliases().includes(word)) : undefined;
      if (!sub && passesThrough(command)) return [...result, ...argv.slice(index)];
      command = sub ?? command;
      result.push(word);
      continue;
    }
    const match = /^(--[\w-]+|-\w)=(true|false|1|0)$/i.exec(word);
    const flag = match && command.options.find((one) => one.long === match[1] || one.short === match[1]);
    if (!match || !flag || flag.required || flag.optional) {
      result.push(word);
      // The value of an option is no command.
      const takes = command.options.find((one) => one.long === word || one.short === word);
      if (takes?.required && index + 1 < argv.length) result.push(argv[++index] ?? "");
      continue;
    }
    const on = /^(true|1)$/i.test(match[2] ?? "");
    const opposite = command.options.find((one) => one.negate !== flag.negate && one.attributeName() === flag.attributeName());
    if (on) result.push(flag.long ?? word);
    else if (opposite?.long) result.push(opposite.long);
  }
  return result;
}

function passesThrough(command: Command): boolean {
  return ["run", "exec"].includes(command.name());
}
