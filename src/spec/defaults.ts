import { Patterns } from "./yaml/patterns.ts";
import { List, Mapping, Scalar, stringOf, type Tree } from "./yaml/tree.ts";

type Fill = (mapping: Mapping) => void;

function unlessGiven(mapping: Mapping, key: string, value: Scalar["value"]): void {
  if (!mapping.has(key)) mapping.set(key, new Scalar(value, mapping.origin));
}

const deviceRequest: Fill = (request) => {
  if (!request.has("device_ids")) unlessGiven(request, "count", "all");
};

/** compose-go, transform/defaults.go */
const defaults = Patterns.of<Fill>({
  "services.*.build": (build) => unlessGiven(build, "context", "."),
  "services.*.secrets.*": (secret) => unlessGiven(secret, "target", `/run/secrets/${stringOf(secret.get("source")) ?? ""}`),
  "services.*.ports.*": (port) => {
    unlessGiven(port, "protocol", "tcp");
    unlessGiven(port, "mode", "ingress");
  },
  "services.*.deploy.resources.reservations.devices.*": deviceRequest,
  "services.*.gpus.*": deviceRequest,
});

/** Writes out what is meant where an attribute is not given. Changes the tree. */
export function setDefaults(root: Mapping): void {
  walk(root, defaults);
}

function walk(tree: Tree, rules: Patterns<Fill>): void {
  if (tree instanceof Mapping) {
    rules.rule?.(tree);
    for (const [key, value] of tree.entries) {
      const next = rules.at(key);
      if (next) walk(value, next);
    }
  } else if (tree instanceof List) {
    const next = rules.at(0);
    if (next) for (const item of tree.items) walk(item, next);
  }
}
