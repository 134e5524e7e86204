import type { Lookup } from "./interpolation/template.ts";
import { List, Mapping, Scalar, stringOf } from "./yaml/tree.ts";

/** The key under which a secret's or config's content is kept that comes from a variable; no file can have it. */
export const contentKey = "x-#content";

/** Fills in, from the environment of this model, variables that are passed through and the content of secrets and configs. Changes the tree. */
export function resolveFromEnvironment(root: Mapping, lookup: Lookup): void {
  const services = root.get("services");
  for (const service of services instanceof Mapping ? services.entries.values() : []) {
    const environment = service instanceof Mapping ? service.get("environment") : undefined;
    if (!(environment instanceof List)) continue;
    for (const [index, item] of environment.items.entries()) {
      const name = stringOf(item);
      const value = name === undefined || name.includes("=") ? undefined : lookup(name);
      if (value !== undefined) environment.items[index] = new Scalar(`${name}=${value}`, item.origin);
    }
  }
  for (const kind of ["secrets", "configs"]) {
    const objects = root.get(kind);
    for (const object of objects instanceof Mapping ? objects.entries.values() : []) {
      const name = object instanceof Mapping ? stringOf(object.get("environment")) : undefined;
      const value = name === undefined ? undefined : lookup(name);
      if (value !== undefined && object instanceof Mapping) object.set(contentKey, new Scalar(value, object.origin));
    }
  }
}
