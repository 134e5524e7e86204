import { existsSync } from "node:fs";
import type { Project } from "../../api/project.ts";
import type { Problems, Where } from "../problems.ts";
import { attributesWithoutEffect } from "../schema/attributes.generated.ts";
import { didYouMean } from "../suggestion.ts";
import { Patterns } from "../yaml/patterns.ts";
import { isNull, List, Mapping, type Path, Scalar, stringOf, type Tree } from "../yaml/tree.ts";
import { placeIn } from "./checked.ts";

interface Rule {
  readonly attribute?: (typeof attributesWithoutEffect)[string];
  /** What the engine has of what may be named here. */
  readonly values?: { readonly what: string; readonly known: readonly string[] };
}

const values: Record<string, NonNullable<Rule["values"]>> = {
  "services.*.logging.driver": { what: "log driver", known: ["json-file", "local", "none"] },
  "services.*.volumes.*.type": { what: "mount", known: ["bind", "volume", "tmpfs", "image"] },
  "services.*.ports.*.protocol": { what: "published protocol", known: ["tcp", "udp"] },
  "networks.*.driver": { what: "network driver", known: ["bridge", "macvlan", "ipvlan"] },
  "volumes.*.driver": { what: "volume driver", known: ["local"] },
};

const rules: Patterns<Rule> = Patterns.of<Rule>({
  ...Object.fromEntries(Object.entries(attributesWithoutEffect).map(([pattern, attribute]) => [pattern, { attribute }])),
  ...Object.fromEntries(Object.entries(values).map(([pattern, one]) => [pattern, { values: one }])),
});

/**
 * Names everything in the files that does not take effect: a warning, or an error where the project would not do what it says. With `lenient` such a
 * project is only to be looked at, and all of them are warnings. What is not part of `project` (another profile's services, unused networks) is passed over.
 */
export function checkSupport(root: Mapping, project: Project, problems: Problems, lenient: boolean): void {
  walk(root, [], rules);
  for (const kind of ["secrets", "configs"] as const) {
    for (const [name, { environment, content }] of Object.entries(project[kind])) {
      if (environment === undefined || content !== undefined) continue;
      const path = [kind, name, "environment"];
      refuse(`the variable ${environment} is not set, so it has no content`, placeIn({ root }, path), undefined, "spec/missing-variable");
    }
  }

  function walk(tree: Tree, path: Path, at: Patterns<Rule>): void {
    if (path.length === 2 && !isPart(project, path)) return;
    if (tree instanceof Mapping) {
      for (const [key, value] of tree.entries) {
        const next = at.at(key);
        if (!next) continue;
        if (next.rule && isGiven(value)) check(next.rule, value, { origin: tree.originOf(key), path: [...path, key] });
        walk(value, [...path, key], next);
      }
    } else if (tree instanceof List) {
      const next = at.at(0);
      if (next) for (const [index, item] of tree.items.entries()) walk(item, [...path, index], next);
    }
  }

  function check(rule: Rule, value: Tree, where: { origin: Tree["origin"]; path: Path }): void {
    const { attribute, values } = rule;
    const given = stringOf(value);
    if (given !== undefined && attribute?.harmless?.includes(given)) return;
    if (where.path.at(-1) === "selinux" && !existsSync("/sys/fs/selinux/enforce")) return; // nothing here has such labels
    if (attribute?.status === "reported") problems.warn(`${where.path.at(-1)} has no effect: ${attribute.note}`, where);
    if (attribute?.status === "refused") refuse(`${where.path.at(-1)} is not supported: ${attribute.note}`, where);
    if (!values || given === undefined || values.known.includes(given)) return;
    refuse(
      `the ${values.what} "${given}" is not supported`,
      { ...where, origin: value.origin },
      didYouMean(given, values.known, "There is"),
    );
  }

  function refuse(
    message: string,
    where: Where,
    hint?: string,
    code: "spec/unsupported" | "spec/missing-variable" = "spec/unsupported",
  ): void {
    if (lenient) problems.warn(message, where, hint);
    else problems.error(code, message, where, hint);
  }
}

function isPart(project: Project, [kind, name]: Path): boolean {
  const parts: Readonly<Record<string, object | undefined>> = {
    services: project.services,
    networks: project.networks,
    volumes: project.volumes,
    secrets: project.secrets,
    configs: project.configs,
    models: project.models,
  };
  const all = parts[String(kind)];
  return all === undefined || String(name) in all;
}

function isGiven(value: Tree): boolean {
  if (isNull(value)) return false;
  if (value instanceof Scalar) return value.value !== false && value.value !== "";
  return value instanceof List ? value.items.length > 0 : value.entries.size > 0;
}
