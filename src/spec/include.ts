import { dirname, join, relative, resolve } from "node:path";
import { BerthError } from "../system/error.ts";
import { isFile, readEnvFiles } from "./environment/env-files.ts";
import { type ModelContext, type ModelSource, readModelFile } from "./model-source.ts";
import { isRemoteFile } from "./paths.ts";
import { isNull, List, Mapping, type Path, Scalar, stringOf, type Tree } from "./yaml/tree.ts";

const kinds = ["services", "volumes", "networks", "secrets", "configs", "models"] as const;

/**
 * Adds what `include` names to a file: each entry is a model of its own, with its own directory and environment, and brings nothing in that the
 * file has already under another meaning (compose-spec 14-include.md; compose-go, loader/include.go). Changes the tree.
 */
export function applyIncludes(
  root: Mapping,
  source: ModelSource,
  context: ModelContext,
  loadModel: (source: ModelSource, context: ModelContext) => Mapping,
): void {
  const includes = root.get("include");
  if (isNull(includes)) root.delete("include");
  if (!(includes instanceof List)) return;
  for (const [index, entry] of includes.items.entries()) {
    const path: Path = ["include", index];
    const included = includedSource(entry, path, source, context);
    if (included) importInto(root, loadModel(included, context), entry, context);
  }
  root.delete("include");
}

function includedSource(entry: Tree, path: Path, source: ModelSource, context: ModelContext): ModelSource | undefined {
  const { problems } = context;
  const where = { origin: entry.origin, path };
  const names = entry instanceof Mapping ? texts(entry.get("path")) : texts(entry);
  const [first] = names;
  if (first === undefined) {
    problems.error("spec/include", "an include names a file, or has a path", where);
    return undefined;
  }
  const remote = names.find(isRemoteFile);
  if (remote !== undefined) {
    problems.error(
      "spec/unsupported",
      `"${remote}" would have to be fetched, which Berth does not`,
      where,
      "Fetch it yourself, and name the file.",
    );
    return undefined;
  }
  const files = names.map((name) => resolve(source.directory, name));
  const main = files[0] ?? "";
  if (source.includedBy.includes(main)) {
    problems.error("spec/cycle", `files include each other: ${[...source.includedBy, main].join(" -> ")}`, where);
    return undefined;
  }
  const missing = files.find((file) => !isFile(file));
  if (missing !== undefined) {
    problems.error("spec/include", `there is no file ${missing}`, where);
    return undefined;
  }
  const given = entry instanceof Mapping ? stringOf(entry.get("project_directory")) : undefined;
  const directory = given ? resolve(source.directory, given) : dirname(main);
  const environment = includedEnvironment(entry, directory, source, context, where);
  return {
    files: files.map((file) => readModelFile(file, problems)),
    directory,
    shownDirectory: join(source.shownDirectory, relative(source.directory, directory)),
    environment,
    includedBy: source.includedBy,
  };
}

/** The including project's variables, then those of the files that `env_file` names, or of the included directory's `.env`. */
function includedEnvironment(
  entry: Tree,
  directory: string,
  source: ModelSource,
  { problems }: ModelContext,
  where: { origin: Tree["origin"]; path: Path },
): ReadonlyMap<string, string> {
  const named = entry instanceof Mapping ? texts(entry.get("env_file")) : [];
  const own = join(directory, ".env");
  const files = named.length > 0 ? named.map((file) => resolve(source.directory, file)) : isFile(own) ? [own] : [];
  const environment = new Map(source.environment);
  try {
    for (const [name, value] of readEnvFiles(files, (key) => source.environment.get(key)))
      if (!environment.has(name)) environment.set(name, value);
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== "spec/env-file") throw error;
    const file = error.place && "file" in error.place ? `${error.place.file}: ` : "";
    problems.error("spec/env-file", `${file}${error.message}`, where);
  }
  return environment;
}

function importInto(root: Mapping, imported: Mapping, entry: Tree, { problems }: ModelContext): void {
  for (const kind of kinds) {
    const from = imported.get(kind);
    if (!(from instanceof Mapping)) continue;
    let into = root.get(kind);
    if (!(into instanceof Mapping)) {
      into = new Mapping(new Map(), from.origin);
      root.set(kind, into);
    }
    if (!(into instanceof Mapping)) continue;
    for (const [name, value] of from.entries) {
      const own = into.get(name);
      if (own === undefined) into.set(name, value, from.keys.get(name));
      else if (!same(own, value)) {
        problems.error(
          "spec/conflict",
          `${kind}.${name} is defined here and in what is included`,
          { origin: into.originOf(name) ?? entry.origin, path: [kind, name] },
          "To change something of an included file, list an override file in the include's path.",
        );
      }
    }
  }
}

function same(one: Tree, other: Tree): boolean {
  if (one instanceof Scalar) return other instanceof Scalar && one.value === other.value;
  if (one instanceof List)
    return (
      other instanceof List && one.items.length === other.items.length && one.items.every((item, i) => same(item, other.items[i] ?? item))
    );
  if (!(other instanceof Mapping) || one.entries.size !== other.entries.size) return false;
  return [...one.entries].every(([key, value]) => {
    const there = other.get(key);
    return there !== undefined && same(value, there);
  });
}

function texts(tree: Tree | undefined): string[] {
  const items = tree instanceof List ? tree.items : tree ? [tree] : [];
  return items.map(stringOf).filter((text) => text !== undefined);
}
