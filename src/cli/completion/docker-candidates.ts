import type { DockerCommand } from "../docker/command.ts";
import { commands, managementAbout, shortNames } from "../docker/words.ts";
import type { Candidate, Completion } from "./candidates.ts";

/** What can come next after `berth docker`: management words, commands and flags; a file where a command takes arguments, or a flag a path. Loads only the command that is typed. */
export async function dockerCompletionOf(words: readonly string[]): Promise<Completion> {
  const before = words.slice(0, -1).filter((word) => !word.startsWith("-"));
  const current = words.at(-1) ?? "";
  const starting = (candidates: readonly Candidate[]) => candidates.filter(({ word }) => word.startsWith(current));
  const [first = "", second = ""] = before;
  const isManagement = first in managementAbout;
  if (before.length === 0) return { candidates: starting(await topWords()), services: false };
  if (isManagement && before.length === 1) return { candidates: starting(await wordsOf(first)), services: false };
  const load = commands[isManagement ? `${first} ${second}` : (shortNames[first] ?? first)];
  if (!load) return { candidates: [], services: false };
  const command = await load();
  const previous = words.at(-2) ?? "";
  const flag = command.flags.find((one) => previous === `--${one.name}` || (one.short !== undefined && previous === `-${one.short}`));
  if (current.startsWith("-")) return { candidates: starting(flagsOf(command)), services: false };
  return {
    candidates: [],
    services: false,
    ...(flag && flag.kind !== "bool" && !/file|volume|mount/.test(flag.name) ? {} : { shell: "files" }),
  };
}

async function topWords(): Promise<Candidate[]> {
  const management = Object.entries(managementAbout).map(([word, about]) => ({ word, about }));
  const names = [...Object.keys(shortNames), ...Object.keys(commands)].filter((word) => !word.includes(" "));
  const short = names.map((word) => ({ word, about: "" }));
  return [...management, ...short, { word: "compose", about: "Berth's own commands" }];
}

async function wordsOf(management: string): Promise<Candidate[]> {
  const names = Object.keys(commands).filter((name) => name.startsWith(`${management} `));
  return Promise.all(
    names.map(async (name) => ({ word: name.slice(management.length + 1), about: (await commands[name]?.())?.about ?? "" })),
  );
}

function flagsOf(command: DockerCommand): Candidate[] {
  return [...command.flags.map(({ name, about }) => ({ word: `--${name}`, about })), { word: "--help", about: "show help" }];
}
