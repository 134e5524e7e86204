import { splitInstruction } from "./flags.ts";
import { rawWords } from "./word-expansion.ts";

export interface Heredoc {
  readonly name: string;
  /** `<<-`: leading tabs of the content and of the terminator are dropped. */
  readonly chomp: boolean;
  /** False where the delimiter is quoted. */
  readonly expand: boolean;
  readonly fileDescriptor: number;
  readonly content: string;
  /** The lines as written, also where tabs are dropped: what a shell is handed. */
  readonly raw: string;
}

export type HeredocOpening = Omit<Heredoc, "content" | "raw">;

/** The heredocs that an instruction opens, in order. Only RUN, COPY, ADD and ONBUILD of these have any. */
export function heredocsOf(keyword: string, text: string, escapeChar: string): HeredocOpening[] {
  if (keyword === "ONBUILD") {
    const trigger = splitInstruction(text, escapeChar);
    return heredocsOf(trigger.keyword, trigger.text, escapeChar);
  }
  if (!["RUN", "COPY", "ADD"].includes(keyword) || !text.includes("<<")) return [];
  return rawWords(text, escapeChar).flatMap((word) => parseHeredocWord(word) ?? []);
}

export function parseHeredocWord(word: string): HeredocOpening | undefined {
  const match = /^(\d*)<<(-?)([^<]*)$/.exec(word);
  if (!match?.[3]) return undefined;
  const name = match[3].replace(/\\(.)/g, "$1").replace(/["']/g, "");
  if (!name) return undefined;
  return { name, chomp: match[2] === "-", expand: name === match[3], fileDescriptor: match[1] ? Number(match[1]) : 0 };
}
