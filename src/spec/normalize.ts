import { planted } from "./canonical/long-forms.ts";
import { cleanTarget } from "./canonical/volumes.ts";
import type { Lookup } from "./interpolation/template.ts";
import { isNull, List, Mapping, Scalar, stringOf, type Tree } from "./yaml/tree.ts";

/**
 * Makes explicit what a file leaves to be understood: the default network, names of networks and volumes, the Dockerfile, dependencies that follow
 * from links and shared namespaces, variables that are passed through (compose-go, loader/normalize.go). Changes the tree.
 */
export function normalize(root: Mapping, project: string, lookup: Lookup): void {
  const services = mappingAt(root, "services");
  if (services) defaultNetwork(root, services);
  for (const service of services?.entries.values() ?? []) {
    if (!(service instanceof Mapping)) continue;
    if (stringOf(service.get("pull_policy")) === "if_not_present") replace(service, "pull_policy", "missing");
    normalizeBuild(service, lookup);
    const environment = service.get("environment");
    if (environment) service.entries.set("environment", passedThrough(environment, lookup, true));
    impliedDependencies(service);
    cleanVolumes(service);
  }
  for (const kind of ["networks", "volumes", "configs", "secrets"]) nameResources(root, kind, project);
}

function defaultNetwork(root: Mapping, services: Mapping): void {
  let used = false;
  for (const service of services.entries.values()) {
    if (!(service instanceof Mapping) || service.has("provider") || service.has("network_mode")) continue;
    const networks = service.get("networks");
    if (networks instanceof Mapping && networks.entries.size > 0) {
      used ||= networks.has("default");
      continue;
    }
    service.set("networks", planted({ default: null }, service.origin));
    used = true;
  }
  if (!used) return;
  if (!mappingAt(root, "networks")) root.set("networks", new Mapping());
  const networks = mappingAt(root, "networks");
  if (networks && !networks.has("default")) networks.set("default", new Scalar(null));
}

function normalizeBuild(service: Mapping, lookup: Lookup): void {
  const build = mappingAt(service, "build");
  if (!build) return;
  if (isNull(build.get("context"))) replace(build, "context", ".");
  if (isNull(build.get("dockerfile")) && isNull(build.get("dockerfile_inline"))) replace(build, "dockerfile", "Dockerfile");
  const args = build.get("args");
  if (args) build.entries.set("args", passedThrough(args, lookup, false));
}

/** A variable without a value takes that of the environment; where that has none, it stays without one or is dropped. */
function passedThrough(tree: Tree, lookup: Lookup, keepUnset: boolean): Tree {
  if (tree instanceof Mapping) {
    for (const [key, value] of tree.entries) {
      if (!isNull(value)) continue;
      const found = lookup(key);
      if (found !== undefined) tree.entries.set(key, new Scalar(found, value.origin));
      else if (!keepUnset) tree.delete(key);
    }
    return tree;
  }
  if (!(tree instanceof List)) return tree;
  const items: Tree[] = [];
  for (const item of tree.items) {
    const text = stringOf(item);
    const found = text === undefined || text.includes("=") ? undefined : lookup(text);
    if (found !== undefined) items.push(new Scalar(`${text}=${found}`, item.origin));
    else if (keepUnset || text?.includes("=")) items.push(item);
  }
  return new List(items, tree.origin);
}

function impliedDependencies(service: Mapping): void {
  const dependencies = mappingAt(service, "depends_on") ?? new Mapping();
  const depend = (name: string, restart: boolean, from: Tree) => {
    if (!dependencies.has(name))
      dependencies.set(name, planted({ condition: "service_started", restart, required: true }, from.origin), from.origin);
  };
  for (const link of itemsAt(service, "links")) {
    const parts = stringOf(link)?.split(":") ?? [];
    depend((parts.length === 2 ? parts[0] : stringOf(link)) ?? "", true, link);
  }
  for (const key of ["network_mode", "ipc", "pid", "uts", "cgroup"]) {
    const value = service.get(key);
    const text = stringOf(value);
    if (value && text?.startsWith("service:")) depend(text.slice("service:".length), true, value);
  }
  for (const from of itemsAt(service, "volumes_from")) {
    const text = stringOf(from) ?? "";
    if (!text.startsWith("container:")) depend(text.split(":")[0] ?? "", false, from);
  }
  if (dependencies.entries.size > 0) service.set("depends_on", dependencies, service.keys.get("depends_on"));
}

function cleanVolumes(service: Mapping): void {
  for (const volume of itemsAt(service, "volumes")) {
    const target = volume instanceof Mapping ? stringOf(volume.get("target")) : undefined;
    if (target !== undefined && volume instanceof Mapping) replace(volume, "target", cleanTarget(target) || ".");
  }
}

/** A resource without a name of its own is called by its key: as it is outside the project, else with the project's name before it. */
function nameResources(root: Mapping, kind: string, project: string): void {
  const resources = mappingAt(root, kind);
  for (const [key, value] of resources?.entries ?? []) {
    const resource = value instanceof Mapping ? value : new Mapping(new Map(), value.origin);
    if (isNull(resource.get("name"))) {
      const external = resource.get("external");
      replace(resource, "name", external instanceof Scalar && external.value === true ? key : `${project}_${key}`);
    }
    resources?.entries.set(key, resource);
  }
}

function replace(mapping: Mapping, key: string, value: string): void {
  mapping.entries.set(key, new Scalar(value, mapping.get(key)?.origin ?? mapping.origin));
}

function mappingAt(mapping: Mapping, key: string): Mapping | undefined {
  const value = mapping.get(key);
  return value instanceof Mapping ? value : undefined;
}

function itemsAt(mapping: Mapping, key: string): readonly Tree[] {
  const value = mapping.get(key);
  return value instanceof List ? value.items : [];
}
