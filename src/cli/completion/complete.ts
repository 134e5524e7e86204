import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { dockerWords } from "../docker-words.ts";
import { type Globals, invocation } from "../invocation.ts";
import { completionOf } from "./candidates.ts";

/**
 * `berth __complete WORD...`: what can stand in place of the last word, "word TAB description" a line; ":files" and ":directories" leave it to the shell.
 * Says nothing where something is wrong: nobody wants an error while typing.
 */
export async function complete(program: Command, words: readonly string[], context: CliContext): Promise<number> {
  const docker = words.length > 1 ? dockerWords(words) : undefined;
  const own = completionOf(program, words);
  const dockers = docker ? await (await import("./docker-candidates.ts")).dockerCompletionOf(docker) : undefined;
  // `berth volume` has words of both.
  const candidates = dockers ? [...(words[0] === "volume" ? own.candidates : []), ...dockers.candidates] : own.candidates;
  const { shell, services } = dockers ?? own;
  const lines = candidates.map(({ word, about }) => `${word}\t${about}`);
  if (services) {
    const current = words.at(-1) ?? "";
    for (const name of await serviceNames(program, words, context)) if (name.startsWith(current)) lines.push(`${name}\tservice`);
  }
  if (shell) lines.push(`:${shell}`);
  context.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return 0;
}

async function serviceNames(program: Command, words: readonly string[], context: CliContext): Promise<string[]> {
  try {
    const { loadedProject } = await import("../project-source.ts");
    const quiet: CliContext = { ...context, stderr: { ...context.stderr, write: () => true } as unknown as CliContext["stderr"] }; // only written to
    const project = await loadedProject(invocation(quiet, globalsIn(program, words)), []);
    return Object.keys(project.services);
  } catch {
    return []; // A file that cannot be read has no services to offer.
  }
}

/** The global flags in front of the command. */
function globalsIn(program: Command, words: readonly string[]): Globals {
  program.parseOptions([...words.slice(0, -1)]);
  return program.opts<Globals>();
}
