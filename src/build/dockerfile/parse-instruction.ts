import { messageOf } from "../../system/index.ts";
import { copyArgs } from "./copy-args.ts";
import { dockerfileError, MeaningError, nearest, type Position } from "./dockerfile-error.ts";
import { splitInstruction } from "./flags.ts";
import { healthcheck } from "./healthcheck.ts";
import { type CommandForm, type Instruction, type InstructionArgs, type Keyword, keywords } from "./instruction.ts";
import { readFlags } from "./instruction-flags.ts";
import { jsonForm } from "./json-form.ts";
import { keyValues } from "./key-values.ts";
import type { InstructionLine } from "./lines.ts";
import { rawWords } from "./word-expansion.ts";

/** Checks one line against the grammar of its instruction. Throws BerthError `build/dockerfile` with the place. */
export function parseInstruction(source: InstructionLine, escapeChar: string, file: string): Instruction {
  const position: Position = { file, line: source.line };
  const keyword = source.keyword as Keyword; // looked up on the next line
  if (!keywords.includes(keyword)) {
    const meant = nearest(source.keyword, keywords);
    const [written = ""] = source.original.split(/\s/, 1);
    throw dockerfileError(position, `unknown instruction: ${written}${meant ? ` (did you mean ${meant}?)` : ""}`);
  }
  try {
    const args = grammar[keyword](source, escapeChar);
    return { keyword, line: source.line, endLine: source.endLine, original: source.original, ...args } as Instruction; // the table pairs keyword and arguments
  } catch (error) {
    throw dockerfileError(position, messageOf(error), undefined, error instanceof MeaningError ? "build/instruction" : "build/dockerfile");
  }
}

type Grammar = { [K in Keyword]: (line: InstructionLine, escapeChar: string) => InstructionArgs[K] };

const grammar: Grammar = {
  ADD: (line) => copyArgs("ADD", line.flags, line.text, line.heredocs),
  COPY: (line) => copyArgs("COPY", line.flags, line.text, line.heredocs),
  ARG: (line, escapeChar) => {
    const words = rawWords(plain(line, 1), escapeChar);
    const args = words.map((word) => {
      const at = word.indexOf("=");
      const name = at < 0 ? word : word.slice(0, at);
      if (name === "") throw new Error("ARG names can not be blank");
      return at < 0 ? { name } : { name, default: word.slice(at + 1) };
    });
    return { args };
  },
  CMD: (line) => ({ command: command(line) }),
  ENTRYPOINT: (line) => ({ command: command(line) }),
  ENV: (line, escapeChar) => keyValues("ENV", plain(line, 1), escapeChar),
  LABEL: (line, escapeChar) => keyValues("LABEL", plain(line, 1), escapeChar),
  EXPOSE: (line) => ({ words: plain(line, 1).split(/\s+/) }),
  FROM: from,
  HEALTHCHECK: (line) => ({ check: healthcheck(line.flags, line.text) }),
  MAINTAINER: (line) => ({ text: wholeText(line) }),
  ONBUILD: (line, escapeChar) => {
    const trigger = splitInstruction(plain(line, 1), escapeChar);
    if (trigger.keyword === "ONBUILD") throw new Error("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (trigger.keyword === "FROM" || trigger.keyword === "MAINTAINER")
      throw new Error(`${trigger.keyword} isn't allowed as an ONBUILD trigger`);
    const bodies = line.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join("");
    return { trigger: line.original.replace(/^\s*ONBUILD\s+/i, "") + bodies };
  },
  RUN: (line) => {
    const flags = readFlags(line.flags, { mount: "list", network: "text", security: "text", device: "list" });
    if (flags.device.length > 0) throw new Error("RUN --device is not supported");
    const { network, security } = flags;
    if (network !== undefined && !["default", "none", "host"].includes(network)) throw new Error(`invalid network mode "${network}"`);
    if (security !== undefined && !["sandbox", "insecure"].includes(security)) throw new Error(`security "${security}" is not valid`);
    for (const mount of flags.mount) {
      if (/(^|,)from=[^,]*\$/.test(mount)) throw new MeaningError("'from' doesn't support variable expansion, define alias stage instead");
    }
    return {
      command: form(line.text),
      heredocs: line.heredocs,
      mounts: flags.mount,
      ...(network === undefined ? {} : { network }),
      ...(security === undefined ? {} : { security }),
    };
  },
  SHELL: (line) => {
    const shell = jsonForm(plain(line, 0));
    if (!shell) throw new Error("SHELL requires the arguments to be in JSON form");
    if (shell.length === 0) throw new Error("SHELL requires at least one argument");
    return { shell };
  },
  STOPSIGNAL: (line) => ({ text: oneArgument(line) }),
  USER: (line) => ({ text: wholeText(line) }),
  VOLUME: (line) => {
    const words = jsonForm(plain(line, 1)) ?? line.text.split(/\s+/);
    if (words.some((word) => word.trim() === "")) throw new Error("VOLUME specified can not be an empty string");
    return { words };
  },
  WORKDIR: (line) => ({ text: wholeText(line) }),
};

function from(line: InstructionLine): InstructionArgs["FROM"] {
  const { platform } = readFlags(line.flags, { platform: "text" });
  const words = line.text.split(/\s+/).filter(Boolean);
  const [base, as, alias] = words;
  if (base === undefined || words.length === 2 || words.length > 3 || (as !== undefined && as.toLowerCase() !== "as")) {
    throw new Error("FROM requires either one or three arguments");
  }
  const lower = alias?.toLowerCase();
  if (alias !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(lower!)) {
    throw new Error(`invalid name for build stage: "${alias}", name can't start with a number or contain symbols`);
  }
  return {
    base,
    ...(alias && lower ? { alias: lower, aliasAsWritten: alias } : {}),
    ...(as ? { asKeyword: as } : {}),
    ...(platform ? { platform } : {}),
  };
}

function command(line: InstructionLine): CommandForm {
  plain(line, 0);
  return form(line.text);
}

function form(text: string): CommandForm {
  const exec = jsonForm(text);
  return exec ? { exec } : { shell: text };
}

/** The text of an instruction that has no flags. */
function plain(line: InstructionLine, atLeast: 0 | 1): string {
  readFlags(line.flags, {});
  if (atLeast === 1 && line.text === "") throw new Error(`${line.keyword} requires at least one argument`);
  return line.text;
}

/** One argument that may hold blanks. */
function wholeText(line: InstructionLine): string {
  if (plain(line, 0) === "") throw new Error(`${line.keyword} requires exactly one argument`);
  return line.text;
}

function oneArgument(line: InstructionLine): string {
  const text = plain(line, 0);
  if (text === "" || /\s/.test(text)) throw new Error(`${line.keyword} requires exactly one argument`);
  return text;
}
