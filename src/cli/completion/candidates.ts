import type { Command, Option } from "commander";

export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** What can come next: words, or what the shell knows itself. */
export interface Completion {
  readonly candidates: readonly Candidate[];
  readonly shell?: "files" | "directories";
  /** Names of services can come here. */
  readonly services: boolean;
}

const nothing: Completion = { candidates: [], services: false };

/** Pure: the grammar and the words before the one that is being typed, which is the last of `words`. */
export function completionOf(program: Command, words: readonly string[]): Completion {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  let command = program;
  let positionals = 0;
  for (let index = 0; index < before.length; index++) {
    const word = before[index] ?? "";
    if (word === "--") return { ...nothing, shell: "files" };
    if (word.startsWith("-") && word !== "-") {
      const option = optionOf(command, program, word);
      if (option && takesValue(option) && !word.includes("=") && !isAttached(option, word)) {
        index += 1;
        if (index === before.length) return valuesOf(option, current);
      }
      continue;
    }
    const inner = positionals === 0 ? command.commands.find((one) => one.name() === word || one.aliases().includes(word)) : undefined;
    if (inner) command = inner;
    else positionals += 1;
  }
  // After the service, run and exec take any command.
  if ((command.name() === "run" || command.name() === "exec") && positionals > 0) return { ...nothing, shell: "files" };
  if (current.startsWith("-")) {
    const [name = "", value] = current.split("=");
    const option = value === undefined ? undefined : optionOf(command, program, name);
    if (option) return prefixed(`${name}=`, valuesOf(option, value ?? ""));
    return { candidates: starting(flagsOf(command), current), services: false };
  }
  const words_ = command.commands.filter((one) => !isHidden(one)).map((one) => ({ word: one.name(), about: one.description() }));
  const argument = command.registeredArguments[Math.min(positionals, command.registeredArguments.length - 1)];
  if (words_.length > 0 && positionals === 0) return { candidates: starting(words_, current), services: false };
  if (!argument || (positionals >= command.registeredArguments.length && !argument.variadic)) return nothing;
  if (argument.argChoices)
    return {
      candidates: starting(
        argument.argChoices.map((word) => ({ word, about: "" })),
        current,
      ),
      services: false,
    };
  if (/^(source|destination)$/i.test(argument.name())) return { ...nothing, services: true, shell: "files" };
  return { ...nothing, services: /service/i.test(argument.name()) };
}

function valuesOf(option: Option, current: string): Completion {
  if (option.argChoices)
    return {
      candidates: starting(
        option.argChoices.map((word) => ({ word, about: "" })),
        current,
      ),
      services: false,
    };
  const value = /<([^>]+)>/.exec(option.flags)?.[1] ?? "";
  if (/^service/.test(value)) return { ...nothing, services: true };
  if (value === "file") return { ...nothing, shell: "files" };
  if (value === "dir") return { ...nothing, shell: "directories" };
  return nothing;
}

function optionOf(command: Command, program: Command, word: string): Option | undefined {
  const name = word.split("=")[0] ?? "";
  const own = [...command.options, ...program.options];
  return own.find((one) => one.long === name || one.short === name) ?? own.find((one) => one.short !== undefined && isAttached(one, word));
}

/** "-fcompose.yaml": the value follows a short flag at once. */
const isAttached = (option: Option, word: string): boolean =>
  option.short !== undefined && takesValue(option) && !word.startsWith("--") && word.startsWith(option.short) && word.length > 2;

const takesValue = (option: Option): boolean => option.required || option.optional;

function flagsOf(command: Command): Candidate[] {
  const own = command.options.filter((one) => !one.hidden).map((one) => ({ word: one.long ?? one.short ?? "", about: one.description }));
  return [...own, { word: "--help", about: "show help" }];
}

function starting(candidates: readonly Candidate[], current: string): Candidate[] {
  return candidates.filter(({ word }) => word.startsWith(current));
}

function prefixed(prefix: string, completion: Completion): Completion {
  return { ...completion, candidates: completion.candidates.map((one) => ({ ...one, word: prefix + one.word })) };
}

const isHidden = (command: Command): boolean => (command as Command & { _hidden?: boolean })._hidden === true; // Commander has no public question for it
