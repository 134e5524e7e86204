import type { Problems } from "../problems.ts";
import { didYouMean } from "../suggestion.ts";
import { Patterns } from "../yaml/patterns.ts";
import { find, List, Mapping, type Path, Scalar, type Tree, toPlain } from "../yaml/tree.ts";
import { knownKeys } from "./attributes.generated.ts";
import { type Finding, validate } from "./validate.generated.js";

const keysByPattern = Patterns.of(knownKeys);

/** Holds a project against the schema, and reports everything that is wrong with it, each with its place. */
export function checkSchema(root: Tree, problems: Problems): void {
  if (validate(toPlain(root))) return;
  const seen = new Set<string>();
  for (const finding of validate.errors ?? []) {
    const path = pathOf(root, finding.instancePath);
    const { tree, origin } = find(root, path);
    if (problems.isKnown(origin)) continue;
    const key = `${finding.instancePath} ${finding.keyword} ${JSON.stringify(finding.params)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    report(finding, path, tree, origin, problems);
  }
}

function report(finding: Finding, path: Path, tree: Tree | undefined, origin: ReturnType<typeof find>["origin"], problems: Problems): void {
  const { params } = finding;
  const where = { origin: tree instanceof Scalar ? (tree.origin ?? origin) : origin, path };
  switch (finding.keyword) {
    case "additionalProperties": {
      const key = String(params["additionalProperty"]);
      const at = { origin: tree instanceof Mapping ? tree.originOf(key) : origin, path: [...path, key] };
      const known = path.length === 0 ? knownKeys[""] : keysByPattern.along(path)?.rule;
      if (known) problems.error("spec/schema", `there is no attribute "${key}" here`, at, didYouMean(key, known, "There is"));
      else
        problems.error(
          "spec/schema",
          `"${key}" is no name`,
          at,
          key ? "Names have letters, digits, dots, dashes and underscores." : undefined,
        );
      return;
    }
    case "type":
      problems.error(
        "spec/schema",
        `this takes ${typeNames(params["type"])}, not ${described(tree)}`,
        where,
        typeHint(params["type"], tree),
      );
      return;
    case "enum": {
      const allowed = (params["allowedValues"] as unknown[]).map(String);
      const word = tree instanceof Scalar ? String(tree.value) : "";
      problems.error("spec/schema", `${described(tree)} is not one of ${allowed.join(", ")}`, where, didYouMean(word, allowed));
      return;
    }
    case "required":
      problems.error("spec/schema", `"${String(params["missingProperty"])}" is missing`, where);
      return;
    case "minimum":
    case "maximum":
      problems.error("spec/schema", `${described(tree)} is not ${params["comparison"]} ${params["limit"]}`, where);
      return;
    case "pattern":
      problems.error("spec/schema", `${described(tree)} does not have the form ${params["pattern"]}`, where);
      return;
    case "uniqueItems": {
      const item = tree instanceof List ? tree.items[Number(params["i"])] : undefined;
      problems.error("spec/schema", `${described(item)} is in this list twice`, { origin: item?.origin ?? origin, path });
      return;
    }
    default:
      problems.error("spec/schema", `this is not valid (${finding.keyword})`, where);
  }
}

/** A JSON pointer as a path; parts that lead into a list become numbers. */
function pathOf(root: Tree, pointer: string): Path {
  const path: (string | number)[] = [];
  let tree: Tree | undefined = root;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (tree instanceof List) {
      path.push(Number(key));
      tree = tree.items[Number(key)];
    } else {
      path.push(key);
      tree = tree instanceof Mapping ? tree.get(key) : undefined;
    }
  }
  return path;
}

const names: Record<string, string> = {
  string: "text",
  object: "a mapping",
  array: "a list",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  null: "nothing",
};

function typeNames(type: unknown): string {
  const types = (Array.isArray(type) ? type : [type]).map((one) => names[String(one)] ?? String(one));
  return types.length < 2 ? types.join("") : `${types.slice(0, -1).join(", ")} or ${types.at(-1)}`;
}

function typeHint(type: unknown, tree: Tree | undefined): string | undefined {
  const types = Array.isArray(type) ? type : [type];
  if (!(tree instanceof Scalar) || tree.value === null || !types.includes("string")) return undefined;
  return `As text it is written in quotes: "${tree.text ?? String(tree.value)}".`;
}

function described(tree: Tree | undefined): string {
  if (tree instanceof Mapping) return "a mapping";
  if (tree instanceof List) return "a list";
  if (!tree || tree.value === null) return "nothing";
  if (tree.kind === "timestamp") return `the date ${tree.text}`;
  if (typeof tree.value === "string") return JSON.stringify(tree.value.length > 40 ? `${tree.value.slice(0, 40)}...` : tree.value);
  return `the ${typeof tree.value === "number" ? "number" : "word"} ${tree.text ?? String(tree.value)}`;
}
