import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { errnoOf, messageOf } from "../system/error.ts";
import type { Lookup } from "./interpolation/template.ts";
import { merge } from "./merge/merge.ts";
import { isRemoteFile, type PathBase, resolvePaths } from "./paths.ts";
import type { Problems } from "./problems.ts";
import { clear, layOn, readDocument, type Skips } from "./read-document.ts";
import { didYouMean } from "./suggestion.ts";
import { parseYaml } from "./yaml/parse.ts";
import type { Origin } from "./yaml/source.ts";
import { clone, isNull, Mapping, type Path, stringOf, type Tree } from "./yaml/tree.ts";

/** What following `extends` needs to know of the file that it begins in. */
export interface ExtendsContext {
  readonly file: string;
  /** What `extends.file` is relative to: the directory of the project, or of the included one. */
  readonly directory: string;
  readonly home: string | undefined;
  readonly lookup: Lookup;
  readonly skip: Skips;
  readonly problems: Problems;
}

/** What a file clears in the services that its services extend. */
type Cleared = readonly Path[];

/**
 * Replaces `extends` of every service by what it extends, from this file or another one, through any chain (compose-spec 05-services.md, extends;
 * compose-go, loader/extends.go). Changes the tree.
 */
export function applyExtends(root: Mapping, cleared: Cleared, context: ExtendsContext): void {
  const services = root.get("services");
  if (!(services instanceof Mapping)) return;
  const files = new Map<string, Mapping | undefined>();
  const follower = new Follower(context, files);
  for (const name of services.entries.keys()) follower.extend(name, services, context.file, [cleared], []);
}

class Follower {
  readonly #context: ExtendsContext;
  readonly #files: Map<string, { services: Mapping; cleared: Cleared } | undefined>;

  constructor(context: ExtendsContext, files: Map<string, Mapping | undefined>) {
    this.#context = context;
    this.#files = files as Map<string, never>;
  }

  /** The service with everything that it extends laid under it; it takes the service's place among `services`. */
  extend(name: string, services: Mapping, file: string, cleared: readonly Cleared[], chain: readonly string[]): Tree | undefined {
    const { problems } = this.#context;
    const service = services.get(name);
    if (!(service instanceof Mapping)) return service;
    const given = service.get("extends");
    if (isNull(given) || !given) return service;
    const path: Path = ["services", name, "extends"];
    const origin = given.origin ?? service.originOf("extends");
    const reference = given instanceof Mapping ? stringOf(given.get("service")) : stringOf(given);
    if (reference === undefined) return service; // the schema says what is wrong
    const link = `${name} in ${file}`;
    if (chain.includes(link)) {
      problems.error("spec/cycle", `services extend each other: ${[...chain.slice(chain.indexOf(link)), link].join(" -> ")}`, {
        origin,
        path,
      });
      service.delete("extends");
      return service;
    }
    const base = this.#base(reference, given, services, file, { origin, path });
    if (!base) {
      service.delete("extends");
      return service;
    }
    const extended = this.extend(
      reference,
      base.services,
      base.file,
      [...cleared, ...(base.cleared ? [base.cleared] : [])],
      [...chain, link],
    );
    service.delete("extends");
    if (!(extended instanceof Mapping)) return service;
    const copy = new Mapping(new Map([["services", new Mapping(new Map([[name, clone(extended)]]))]]));
    for (const paths of cleared) clear(copy, paths);
    if (base.cleared) clear(copy, base.cleared);
    const under = (copy.get("services") as Mapping).get(name) ?? new Mapping();
    const merged = merge(under, service, problems, ["services", name]);
    services.entries.set(name, merged);
    return merged;
  }

  #base(
    reference: string,
    given: Tree,
    services: Mapping,
    file: string,
    where: { origin: Origin | undefined; path: Path },
  ): { services: Mapping; file: string; cleared?: Cleared } | undefined {
    const { problems, directory } = this.#context;
    const named = given instanceof Mapping ? stringOf(given.get("file")) : undefined;
    if (named === undefined) {
      if (services.has(reference)) return { services, file };
      problems.error(
        "spec/extends",
        `there is no service "${reference}" to extend`,
        where,
        didYouMean(reference, services.entries.keys(), "This file has"),
      );
      return undefined;
    }
    if (isRemoteFile(named)) {
      problems.error(
        "spec/unsupported",
        `"${named}" would have to be fetched, which Berth does not`,
        where,
        "Fetch it yourself, and name the file.",
      );
      return undefined;
    }
    const other = resolve(directory, named);
    const loaded = this.#load(other, where);
    if (!loaded) return undefined;
    if (loaded.services.has(reference)) return { ...loaded, file: other };
    const hint = didYouMean(reference, loaded.services.entries.keys(), "It has");
    problems.error("spec/extends", `there is no service "${reference}" in ${other}`, where, hint);
    return undefined;
  }

  #load(file: string, where: { origin: Origin | undefined; path: Path }): { services: Mapping; cleared: Cleared } | undefined {
    if (this.#files.has(file)) return this.#files.get(file);
    const loaded = this.#read(file, where);
    this.#files.set(file, loaded);
    return loaded;
  }

  #read(file: string, where: { origin: Origin | undefined; path: Path }): { services: Mapping; cleared: Cleared } | undefined {
    const { problems, lookup, skip, directory, home } = this.#context;
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      problems.error("spec/extends", errnoOf(error) === "ENOENT" ? `there is no file ${file}` : messageOf(error), where);
      return undefined;
    }
    let root = new Mapping();
    let cleared: Cleared = [];
    for (const document of parseYaml(file, text, problems)) {
      const values = readDocument(document, lookup, skip, problems);
      if (!values) continue;
      clear(root, document.cleared);
      root = layOn(root, values, skip, problems);
      cleared = document.cleared;
    }
    const services = root.get("services");
    if (!(services instanceof Mapping)) {
      if (!problems.any) problems.error("spec/extends", `${file} has no services`, where);
      return undefined;
    }
    const base: PathBase = { directory: skip.paths ? relative(directory, dirname(file)) || "." : dirname(file), home };
    resolvePaths(root, base, problems);
    return { services, cleared };
  }
}
