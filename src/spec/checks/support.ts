import type { Problems } from "../problems.ts";
import { attributesWithoutEffect } from "../schema/attributes.generated.ts";
import { Patterns } from "../yaml/patterns.ts";
import { isNull, List, Mapping, type Path, Scalar, stringOf, type Tree } from "../yaml/tree.ts";

const withoutEffect = Patterns.of(attributesWithoutEffect);

/** Log drivers that the engine has. */
const logDrivers = ["json-file", "local", "none"];

/**
 * Names every attribute that is in the files and does not take effect: a warning, or an error where the project would not do what it says.
 * With `lenient` such a project is only to be looked at, and all of them are warnings.
 */
export function checkSupport(root: Mapping, active: ReadonlySet<string>, problems: Problems, lenient: boolean): void {
  const say = (status: "reported" | "refused", message: string, where: { origin: Tree["origin"]; path: Path }) => {
    if (status === "refused" && !lenient) problems.error("spec/unsupported", message, where);
    else problems.warn(message, where);
  };
  walk(root, [], withoutEffect);
  const services = root.get("services");
  for (const [name, service] of services instanceof Mapping ? services.entries : []) {
    const logging = active.has(name) && service instanceof Mapping ? service.get("logging") : undefined;
    const driver = logging instanceof Mapping ? logging.get("driver") : undefined;
    const given = stringOf(driver);
    if (!given || logDrivers.includes(given)) continue;
    say("refused", `there is no log driver "${given}": ${logDrivers.join(", ")}`, {
      origin: driver?.origin,
      path: ["services", name, "logging", "driver"],
    });
  }

  function walk(tree: Tree, path: Path, rules: typeof withoutEffect): void {
    if (tree instanceof Mapping) {
      for (const [key, value] of tree.entries) {
        if (path.length === 1 && path[0] === "services" && !active.has(key)) continue;
        const next = rules.at(key);
        if (!next) continue;
        if (next.rule && isGiven(value)) {
          say(next.rule.status, `${key} has no effect: ${next.rule.note}`, { origin: tree.originOf(key), path: [...path, key] });
        } else walk(value, [...path, key], next);
      }
    } else if (tree instanceof List) {
      const next = rules.at(0);
      if (next) for (const [index, item] of tree.items.entries()) walk(item, [...path, index], next);
    }
  }
}

function isGiven(value: Tree): boolean {
  if (isNull(value)) return false;
  if (value instanceof Scalar) return value.value !== false && value.value !== "";
  return value instanceof List ? value.items.length > 0 : value.entries.size > 0;
}
