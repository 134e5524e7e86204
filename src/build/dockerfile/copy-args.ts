import { MeaningError } from "./dockerfile-error.ts";
import { type Heredoc, parseHeredocWord } from "./heredoc.ts";
import type { CopyArgs } from "./instruction.ts";
import { readFlags } from "./instruction-flags.ts";
import { jsonForm } from "./json-form.ts";

/** The arguments of COPY and ADD, not yet expanded. Throws Error. */
export function copyArgs(keyword: "COPY" | "ADD", flags: readonly string[], text: string, heredocs: readonly Heredoc[]): CopyArgs {
  const common = { chown: "text", chmod: "text", link: "flag", exclude: "list" } as const;
  const copy = keyword === "COPY" ? readFlags(flags, { ...common, from: "text", parents: "flag" }) : undefined;
  const add = keyword === "ADD" ? readFlags(flags, { ...common, checksum: "text", "keep-git-dir": "flag", unpack: "flag" }) : undefined;
  const options = copy ?? add!;
  const words = jsonForm(text) ?? text.split(/\s+/).filter(Boolean);
  if (words.length === 0) throw new Error(`${keyword} requires at least one argument`);
  if (words.length === 1)
    throw new Error(`${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`);
  const destination = words.at(-1)!;
  if (parseHeredocWord(destination) && heredocs.length > 0) throw new Error(`${keyword} cannot accept a heredoc as a destination`);
  const sources = words.slice(0, -1).filter((word) => heredocs.length === 0 || !parseHeredocWord(word));
  if (copy?.from?.includes("$")) {
    throw new MeaningError(
      "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
    );
  }
  return {
    sources,
    heredocs,
    destination,
    link: options.link ?? false,
    exclude: options.exclude,
    parents: copy?.parents ?? false,
    ...(options.chown === undefined ? {} : { chown: options.chown }),
    ...(options.chmod === undefined ? {} : { chmod: options.chmod }),
    ...(copy?.from === undefined ? {} : { from: copy.from }),
    ...(add?.checksum === undefined ? {} : { checksum: add.checksum }),
    ...(add?.["keep-git-dir"] === undefined ? {} : { keepGitDir: add["keep-git-dir"] }),
    ...(add?.unpack === undefined ? {} : { unpack: add.unpack }),
  };
}
