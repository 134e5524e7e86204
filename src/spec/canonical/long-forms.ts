import { toMapping } from "../merge/forms.ts";
import type { Problems } from "../problems.ts";
import { Patterns } from "../yaml/patterns.ts";
import type { Origin } from "../yaml/source.ts";
import { isNull, List, Mapping, type Path, printed, Scalar, type Tree } from "../yaml/tree.ts";
import { shortPort } from "./ports.ts";
import { shortVolume } from "./volumes.ts";

/** Makes one attribute's short form its long one; what is long already is left alone. */
export type LongForm = (tree: Tree, path: Path, context: { readonly problems: Problems; readonly lenient: boolean }) => Tree;

/** A tree of plain values, all at one place. */
export function planted(value: unknown, origin: Origin | undefined): Tree {
  if (Array.isArray(value)) {
    return new List(
      value.map((item) => planted(item, origin)),
      origin,
    );
  }
  if (value !== null && typeof value === "object") {
    const entries = Object.entries(value).map(([key, one]) => [key, planted(one, origin)] as const);
    return new Mapping(new Map(entries), origin);
  }
  return new Scalar(value as Scalar["value"], origin); // the callers plant JSON values
}

function text(tree: Tree): string | undefined {
  return tree instanceof Scalar && typeof tree.value === "string" ? tree.value : undefined;
}

const listOfOne: LongForm = (tree) => (text(tree) === undefined ? tree : new List([tree], tree.origin));

const names: LongForm = (tree) => (tree instanceof List ? toMapping(tree) : tree);

const source: LongForm = (tree) => (text(tree) === undefined ? tree : planted({ source: text(tree) }, tree.origin));

const asText: LongForm = (tree) =>
  tree instanceof Scalar && typeof tree.value !== "string" ? new Scalar(printed(tree), tree.origin) : tree;

const keyValue: LongForm = (tree, path, { problems, lenient }) => {
  if (!(tree instanceof List)) return tree;
  const mapping = new Mapping(new Map(), tree.origin);
  for (const item of tree.items) {
    const pair = text(item) ?? "";
    const at = pair.indexOf("=");
    if (at < 0) {
      if (lenient) return tree;
      problems.error("spec/value", `"${pair}" is not NAME=VALUE`, { origin: item.origin, path });
    }
    mapping.set(pair.slice(0, Math.max(at, 0)), new Scalar(pair.slice(at + 1), item.origin), item.origin);
  }
  return mapping;
};

const dependsOn: LongForm = (tree) => {
  if (tree instanceof List) return toMapping(tree, (item) => planted({ condition: "service_started", required: true }, item.origin));
  if (!(tree instanceof Mapping)) return tree;
  for (const [name, one] of tree.entries) {
    if (!(one instanceof Mapping)) continue;
    if (!one.has("condition")) one.set("condition", new Scalar("service_started", tree.keys.get(name)));
    if (!one.has("required")) one.set("required", new Scalar(true, tree.keys.get(name)));
  }
  return tree;
};

const envFile: LongForm = (tree) => {
  const items = tree instanceof List ? tree.items : text(tree) === undefined ? [] : [tree];
  if (!(tree instanceof List) && items.length === 0) return tree;
  return new List(
    items.map((item) => {
      if (item instanceof Mapping) {
        if (!item.has("required")) item.set("required", new Scalar(true, item.origin));
        return item;
      }
      return planted({ path: text(item), required: true }, item.origin);
    }),
    tree.origin,
  );
};

const volume: LongForm = (tree, path, { problems, lenient }) => {
  const short = text(tree);
  if (short === undefined) return tree;
  const result = shortVolume(short);
  if ("error" in result) {
    if (!lenient) problems.error("spec/value", result.error, { origin: tree.origin, path }, "A volume is [SOURCE:]TARGET[:OPTIONS].");
    return tree;
  }
  for (const option of result.unknown)
    problems.warn(`"${option}" is no option of a volume; it has no effect`, { origin: tree.origin, path });
  return planted(result.volume, tree.origin);
};

const device: LongForm = (tree, path, { problems, lenient }) => {
  const short = text(tree);
  if (short === undefined) return tree;
  const [from = "", to, permissions = "rwm", ...more] = short.split(":");
  if (more.length > 0 && !lenient) {
    problems.error(
      "spec/value",
      `"${short}" has too many colons for a device`,
      { origin: tree.origin, path },
      "Write source, target and permissions.",
    );
  }
  return planted({ source: from, target: to || from, permissions }, tree.origin);
};

const ports: LongForm = (tree, path, { problems, lenient }) => {
  if (!(tree instanceof List)) return tree;
  const long: Tree[] = [];
  for (const [index, item] of tree.items.entries()) {
    if (!(item instanceof Scalar) || item.value === null) {
      long.push(item);
      continue;
    }
    const result = shortPort(printed(item));
    if ("ports" in result) long.push(...result.ports.map((port) => planted(port, item.origin)));
    else if (lenient) return tree;
    else problems.error("spec/value", result.error, { origin: item.origin, path: [...path, index] });
  }
  return new List(long, tree.origin);
};

const ssh: LongForm = (tree, path, { problems }) => {
  if (!(tree instanceof List)) return tree;
  const mapping = new Mapping(new Map(), tree.origin);
  for (const item of tree.items) {
    const key = text(item) ?? "";
    const at = key.indexOf("=");
    if (at < 0 && key !== "default")
      problems.error("spec/value", `"${key}" is no SSH key: ID=PATH, or default`, { origin: item.origin, path });
    mapping.set(at < 0 ? key : key.slice(0, at), new Scalar(at < 0 ? null : key.slice(at + 1), item.origin), item.origin);
  }
  return mapping;
};

const external: LongForm = (tree, path, { problems }) => {
  if (!(tree instanceof Mapping)) return tree;
  const value = tree.get("external");
  if (!(value instanceof Mapping)) return tree;
  const where = { origin: tree.originOf("external"), path: [...path, "external"] };
  tree.set("external", new Scalar(true, value.origin), tree.keys.get("external"));
  const outside = value.get("name");
  if (!outside) return tree;
  problems.warn("external.name is deprecated: write name and external: true", where);
  const own = tree.get("name");
  if (!own) tree.set("name", outside, value.keys.get("name"));
  else if (text(own) !== text(outside)) problems.error("spec/conflict", "name and external.name differ", where, "Write name alone.");
  return tree;
};

const gpus: LongForm = (tree, path, { problems }) => {
  const which = text(tree);
  if (which === undefined) return tree;
  if (which !== "all")
    problems.error("spec/schema", `${JSON.stringify(which)} is not "all", and no list of GPUs`, { origin: tree.origin, path });
  return planted([{ count: "all" }], tree.origin);
};

const build: LongForm = (tree) => (text(tree) === undefined ? tree : planted({ context: text(tree) }, tree.origin));

const extend: LongForm = (tree) => (text(tree) === undefined ? tree : planted({ service: text(tree) }, tree.origin));

export const longForms: Patterns<LongForm> = Patterns.of<LongForm>({
  "services.*.build": build,
  "services.*.build.secrets.*": source,
  "services.*.build.provenance": asText,
  "services.*.build.sbom": asText,
  "services.*.build.additional_contexts": keyValue,
  "services.*.build.ssh": ssh,
  "services.*.depends_on": dependsOn,
  "services.*.env_file": envFile,
  "services.*.label_file": listOfOne,
  "services.*.extends": extend,
  "services.*.gpus": gpus,
  "services.*.networks": names,
  "services.*.models": names,
  "services.*.volumes.*": volume,
  "services.*.dns": listOfOne,
  "services.*.devices.*": device,
  "services.*.secrets.*": source,
  "services.*.configs.*": source,
  "services.*.ports": ports,
  "services.*.develop.watch.*.ignore": listOfOne,
  "services.*.develop.watch.*.include": listOfOne,
  "volumes.*": external,
  "networks.*": external,
  "secrets.*": external,
  "configs.*": external,
});

/** Drops what is empty from lists where nothing is meant by it (`dns`). Changes the tree. */
export function dropEmpty(root: Mapping): void {
  const services = root.get("services");
  if (!(services instanceof Mapping)) return;
  for (const service of services.entries.values()) {
    const dns = service instanceof Mapping ? service.get("dns") : undefined;
    if (!(dns instanceof List) || !(service instanceof Mapping)) continue;
    service.entries.set(
      "dns",
      new List(
        dns.items.filter((item) => !isNull(item) && text(item) !== ""),
        dns.origin,
      ),
    );
  }
}
