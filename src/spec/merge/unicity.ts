import { mountTarget } from "../canonical/volumes.ts";
import { Patterns } from "../yaml/patterns.ts";
import { List, Mapping, printed, Scalar, type Tree } from "../yaml/tree.ts";

/** The key of a list's item: of two items with the same key the later one stays, at the place of the first. undefined: no key can be made of it. */
type KeyOf = (item: Tree) => string | undefined;

const keyOfPair: KeyOf = (item) => textOf(item)?.split("=", 1)[0];

const mounted =
  (directory: string): KeyOf =>
  (item) => {
    if (item instanceof Mapping) return textOf(item.get("target")) ?? `${directory}/${textOf(item.get("source"))}`;
    const name = textOf(item);
    return name === undefined ? undefined : `${directory}/${name}`;
  };

const volumeKey: KeyOf = (item) => (item instanceof Mapping ? textOf(item.get("target")) : mountTarget(textOf(item) ?? ""));

const deviceKey: KeyOf = (item) => {
  if (item instanceof Mapping) return textOf(item.get("target"));
  const [source, target] = textOf(item)?.split(":") ?? [];
  return target ?? source;
};

const portKey: KeyOf = (item) => {
  if (!(item instanceof Mapping)) return scalarText(item);
  const part = (name: string) => scalarText(item.get(name));
  return `${part("host_ip") ?? "0.0.0.0"}:${part("published")}:${part("target")}/${part("protocol") ?? "tcp"}`;
};

const envFileKey: KeyOf = (item) => (item instanceof Mapping ? textOf(item.get("path")) : textOf(item));

const keyed = Patterns.of<KeyOf>({
  "networks.*.labels": keyOfPair,
  "volumes.*.labels": keyOfPair,
  "networks.*.ipam.options": keyOfPair,
  "services.*.annotations": keyOfPair,
  "services.*.build.args": keyOfPair,
  "services.*.build.additional_contexts": keyOfPair,
  "services.*.build.platform": keyOfPair,
  "services.*.build.tags": keyOfPair,
  "services.*.build.labels": keyOfPair,
  "services.*.cap_add": keyOfPair,
  "services.*.cap_drop": keyOfPair,
  "services.*.devices": deviceKey,
  "services.*.configs": mounted(""),
  "services.*.deploy.labels": keyOfPair,
  "services.*.dns": keyOfPair,
  "services.*.dns_opt": keyOfPair,
  "services.*.dns_search": keyOfPair,
  "services.*.environment": keyOfPair,
  "services.*.env_file": envFileKey,
  "services.*.expose": (item) => scalarText(item),
  "services.*.labels": keyOfPair,
  "services.*.links": keyOfPair,
  "services.*.networks.*.aliases": keyOfPair,
  "services.*.networks.*.link_local_ips": keyOfPair,
  "services.*.ports": portKey,
  "services.*.profiles": keyOfPair,
  "services.*.secrets": mounted("/run/secrets"),
  "services.*.sysctls": keyOfPair,
  "services.*.tmpfs": keyOfPair,
  "services.*.volumes": volumeKey,
});

/** Settles what is in a list more than once (compose-go, override/uncity.go). Changes the tree. */
export function dropDuplicates(root: Tree): void {
  walk(root, keyed);
}

function walk(tree: Tree, rules: Patterns<KeyOf>): void {
  if (tree instanceof Mapping) {
    for (const [key, value] of tree.entries) {
      const next = rules.at(key);
      if (next) walk(value, next);
    }
    return;
  }
  const keyOf = rules.rule;
  if (!(tree instanceof List) || !keyOf) return;
  const at = new Map<string, number>();
  const kept: Tree[] = [];
  for (const item of tree.items) {
    const key: string | undefined = keyOf(item);
    const earlier = key === undefined ? undefined : at.get(key);
    if (earlier !== undefined) {
      kept[earlier] = item;
      continue;
    }
    if (key !== undefined) at.set(key, kept.length);
    kept.push(item);
  }
  if (kept.length < tree.items.length) tree.items.splice(0, tree.items.length, ...kept);
}

function textOf(tree: Tree | undefined): string | undefined {
  return tree instanceof Scalar && typeof tree.value === "string" ? tree.value : undefined;
}

function scalarText(tree: Tree | undefined): string | undefined {
  return tree instanceof Scalar && tree.value !== null ? printed(tree) : undefined;
}
