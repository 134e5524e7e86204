import { readFileSync } from "node:fs";
import { messageOf } from "../system/error.ts";
import type { Problems } from "./problems.ts";
import type { Skips } from "./read-document.ts";
import { type ParsedDocument, parseYaml } from "./yaml/parse.ts";

/** A file and, once it was read, its documents. */
export interface ModelFile {
  readonly file: string;
  readonly documents: readonly ParsedDocument[];
}

/** The files that make one model: a project's, or an included one's. */
export interface ModelSource {
  readonly files: readonly ModelFile[];
  /** What its paths are relative to, absolute. */
  readonly directory: string;
  /** The same, as it is written into paths that are not made absolute. */
  readonly shownDirectory: string;
  readonly environment: ReadonlyMap<string, string>;
  /** The files that include this one, outermost first. */
  readonly includedBy: readonly string[];
}

export interface ModelContext {
  readonly skip: Skips;
  readonly problems: Problems;
  readonly home: string | undefined;
}

/** Reads a file's documents; what cannot be read is a problem. */
export function readModelFile(file: string, problems: Problems): ModelFile {
  try {
    return { file, documents: parseYaml(file, readFileSync(file, "utf8"), problems) };
  } catch (error) {
    problems.error("spec/no-file", `${file}: ${messageOf(error)}`);
    return { file, documents: [] };
  }
}
