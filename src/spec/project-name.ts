import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { BerthError } from "../system/error.ts";
import { findProjectFiles, noComposeFile, type ProjectFiles, type ProjectSelection } from "./environment/project-files.ts";
import { substitute, TemplateError } from "./interpolation/template.ts";
import { Problems } from "./problems.ts";
import { type ParsedDocument, parseYaml } from "./yaml/parse.ts";
import { Mapping, Scalar, stringOf } from "./yaml/tree.ts";

/** Lower case, only letters, digits, dash and underscore, starting with a letter or digit (compose-spec 04-version-and-name.md). */
export function normalizedName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^-_a-z0-9]/g, "")
    .replace(/^[_-]+/, "");
}

/**
 * A project's name: -p, then COMPOSE_PROJECT_NAME (of the caller, then of `.env`), then the last `name:` of its files, then the directory's name.
 * The first two must be names; the others are made such.
 * @throws BerthError spec/project-name
 */
export function projectNameOf(
  selection: Pick<ProjectSelection, "projectName">,
  project: Pick<ProjectFiles, "directory" | "environment">,
  documents: readonly ParsedDocument[],
): string {
  const given = selection.projectName || project.environment.get("COMPOSE_PROJECT_NAME");
  if (given) return requireName(given);
  const written = lastName(documents);
  const name =
    written === undefined ? normalizedName(basename(project.directory)) : normalizedName(interpolatedName(written, project.environment));
  if (name) return name;
  throw new BerthError("spec/project-name", `${written ? `name: ${written.value}` : project.directory} makes no project name`, {
    hint: "Give one with -p, or with name: in the file.",
  });
}

/**
 * The name of the project that the flags and the directory mean, for commands that need nothing else of it.
 * @throws BerthError spec/project-name, spec/no-file, spec/env-file
 */
export function findProjectName(selection: ProjectSelection): string {
  if (selection.projectName) return requireName(selection.projectName);
  const project = findProjectFiles(selection);
  const name = project.environment.get("COMPOSE_PROJECT_NAME");
  if (name) return requireName(name);
  if (project.files.length === 0) throw noComposeFile(selection.cwd);
  const problems = new Problems();
  const documents = project.files.filter((file) => file !== "-").flatMap((file) => parseYaml(file, readFileSync(file, "utf8"), problems));
  problems.throwIfAny();
  return projectNameOf(selection, project, documents);
}

function requireName(name: string): string {
  if (normalizedName(name) === name) return name;
  throw new BerthError("spec/project-name", `"${name}" is no project name`, {
    hint: "It has lower-case letters, digits, dashes and underscores, and begins with a letter or a digit.",
  });
}

function lastName(documents: readonly ParsedDocument[]): Scalar | undefined {
  for (const { root } of [...documents].reverse()) {
    const name = root instanceof Mapping ? root.get("name") : undefined;
    if (name instanceof Scalar && stringOf(name)) return name;
  }
  return undefined;
}

function interpolatedName(name: Scalar, environment: ReadonlyMap<string, string>): string {
  try {
    return substitute(String(name.value), (key) => environment.get(key));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const code = error.kind === "missing" ? "spec/missing-variable" : "spec/interpolation";
    throw new BerthError(code, error.message, name.origin ? { place: { file: name.origin.source.file, path: "name" } } : {});
  }
}
