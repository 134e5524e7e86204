import { isIP } from "node:net";
import type { Problems } from "../problems.ts";
import { Patterns } from "../yaml/patterns.ts";
import { isNull, List, Mapping, type Path, Scalar, stringOf, type Tree } from "../yaml/tree.ts";

type Check = (tree: Tree, path: Path, problems: Problems) => void;

const exclusive =
  (...keys: readonly string[]): Check =>
  (tree, path, problems) => {
    if (!(tree instanceof Mapping)) return;
    const given = keys.filter((key) => tree.has(key));
    const where = { origin: tree.originOf(given[1] ?? given[0] ?? "") ?? tree.origin, path };
    if (given.length > 1) problems.error("spec/conflict", `${given.join(" and ")} exclude each other`, where);
    if (given.length === 0 && !tree.has("driver") && !tree.has("external")) {
      problems.error("spec/schema", `one of ${keys.join(", ")} or external is needed`, where);
    }
  };

const externalVolume: Check = (tree, path, problems) => {
  if (!(tree instanceof Mapping)) return;
  const external = tree.get("external");
  if (!(external instanceof Scalar) || external.value !== true) return;
  for (const key of tree.entries.keys()) {
    if (key === "name" || key === "external" || key.startsWith("x-")) continue;
    problems.error("spec/conflict", `an external volume has no ${key}`, { origin: tree.originOf(key), path: [...path, key] });
  }
};

const hostAddress: Check = (tree, path, problems) => {
  const ip = tree instanceof Mapping ? stringOf(tree.get("host_ip")) : undefined;
  if (ip === undefined || isIP(ip) !== 0 || !(tree instanceof Mapping)) return;
  problems.error("spec/value", `"${ip}" is no IP address`, { origin: tree.get("host_ip")?.origin, path: [...path, "host_ip"] });
};

const countOrIds: Check = (tree, path, problems) => {
  if (!(tree instanceof Mapping) || !tree.has("count") || !tree.has("device_ids")) return;
  problems.error("spec/conflict", "count and device_ids exclude each other", { origin: tree.originOf("device_ids"), path });
};

const notBlank: Check = (tree, path, problems) => {
  if (stringOf(tree) === "") problems.error("spec/value", "a watched path cannot be empty", { origin: tree.origin, path });
};

const needsTarget: Check = (tree, path, problems) => {
  if (tree instanceof Mapping && isNull(tree.get("target")))
    problems.error("spec/schema", '"target" is missing', { origin: tree.origin, path });
};

const port: Check = (tree, path, problems) => {
  needsTarget(tree, path, problems);
  hostAddress(tree, path, problems);
};

/** Compose-go, package validation; and what it finds when it looks for duplicates. */
const checks = Patterns.of<Check>({
  "volumes.*": externalVolume,
  "configs.*": exclusive("file", "environment", "content"),
  "secrets.*": exclusive("file", "environment"),
  "services.*.ports.*": port,
  "services.*.volumes.*": needsTarget,
  "services.*.devices.*": needsTarget,
  "services.*.develop.watch.*.path": notBlank,
  "services.*.deploy.resources.reservations.devices.*": countOrIds,
  "services.*.gpus.*": countOrIds,
});

/** What the schema cannot say of one value alone. */
export function checkModel(root: Mapping, problems: Problems): void {
  walk(root, [], checks, problems);
}

function walk(tree: Tree, path: Path, rules: Patterns<Check>, problems: Problems): void {
  if (isNull(tree)) return;
  rules.rule?.(tree, path, problems);
  if (tree instanceof Mapping) {
    for (const [key, value] of tree.entries) {
      const next = rules.at(key);
      if (next) walk(value, [...path, key], next, problems);
    }
  } else if (tree instanceof List) {
    const next = rules.at(0);
    if (next) for (const [index, item] of tree.items.entries()) walk(item, [...path, index], next, problems);
  }
}
