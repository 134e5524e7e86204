import type { HealthConfig } from "../../api/index.ts";
import type { Heredoc } from "./heredoc.ts";

/** A command as written: a JSON array, or text for the shell. */
export type CommandForm = { readonly exec: readonly string[] } | { readonly shell: string };

export interface Pair {
  readonly name: string;
  readonly value: string;
}

export interface InstructionArgs {
  ADD: CopyArgs;
  ARG: { args: readonly { name: string; default?: string }[] };
  CMD: { command: CommandForm };
  COPY: CopyArgs;
  ENTRYPOINT: { command: CommandForm };
  ENV: { pairs: readonly Pair[]; legacy: boolean };
  EXPOSE: { words: readonly string[] };
  FROM: { base: string; alias?: string; aliasAsWritten?: string; asKeyword?: string; platform?: string };
  HEALTHCHECK: { check: HealthConfig };
  LABEL: { pairs: readonly Pair[]; legacy: boolean };
  MAINTAINER: { text: string };
  ONBUILD: { trigger: string };
  RUN: { command: CommandForm; heredocs: readonly Heredoc[]; mounts: readonly string[]; network?: string; security?: string };
  SHELL: { shell: readonly string[] };
  STOPSIGNAL: { text: string };
  USER: { text: string };
  VOLUME: { words: readonly string[] };
  WORKDIR: { text: string };
}

export interface CopyArgs {
  readonly sources: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly destination: string;
  readonly from?: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  readonly unpack?: boolean;
}

export type Keyword = keyof InstructionArgs;

/** One instruction, checked as far as it can be before variables are expanded. Texts are still as written. */
export type Instruction = {
  [K in Keyword]: { readonly keyword: K; readonly line: number; readonly endLine: number; readonly original: string } & Readonly<
    InstructionArgs[K]
  >;
}[Keyword];

export type InstructionOf<K extends Keyword> = Extract<Instruction, { keyword: K }>;

export const keywords: readonly Keyword[] = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
];
