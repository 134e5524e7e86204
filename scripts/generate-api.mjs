// Makes, from the description of Berth's own part of the API (docs/openapi.yaml), the types that the engine and its clients use.
// `--check` changes nothing and fails where a file is not current.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { parse } from "yaml";
import { writeGenerated } from "./write-generated.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const banner = "// Made by scripts/generate-api.mjs from docs/openapi.yaml: change that one.\n";

/** File -> content, of everything that is generated. */
export async function generated() {
  const { schemas } = parse(readFileSync(join(root, "docs/openapi.yaml"), "utf8")).components;
  return { "src/api/project-api.generated.ts": `${banner}${imports(schemas)}\n${await types(schemas)}` };
}

/** Types that are written elsewhere: `x-ts-import` says where. */
function imports(schemas) {
  const byFile = new Map();
  for (const [name, { "x-ts-import": file }] of Object.entries(schemas)) if (file) byFile.set(file, [...(byFile.get(file) ?? []), name]);
  return [...byFile].map(([file, names]) => `import type { ${names.sort().join(", ")} } from "${file}";\n`).join("");
}

async function types(schemas) {
  const own = Object.entries(schemas).filter(([, schema]) => !schema["x-ts-import"] && !schema["x-ts-inline"]);
  const text = await compile({ $defs: Object.fromEntries(own.map(([name, schema]) => [name, typed(schema, schemas)])) }, "Everything", {
    bannerComment: "",
    additionalProperties: false,
    style: { printWidth: 140 },
    unreachableDefinitions: true,
  });
  return text
    .replace(/export interface Everything \{[^}]*\}\n/, "")
    .replace(/( \*\n)? \* This interface was referenced by `Everything`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g, "")
    .replace(/\/\*\*\n \*\/\n/g, "")
    .replaceAll(readonlyMark, "readonly ");
}

/** The generator has no word for it. */
const readonlyMark = "readonly__";

/** A schema in the generator's terms: references are names of types, `x-ts-type` is `tsType`. */
function typed(value, schemas) {
  if (Array.isArray(value)) return value.map((one) => typed(one, schemas));
  if (value === null || typeof value !== "object") return value;
  const { $ref: ref, "x-ts-type": written, description } = value;
  const name = ref?.split("/").at(-1);
  const tsType = written ?? (name && (schemas[name]["x-ts-inline"] ?? name));
  if (tsType) return { tsType, ...(description ? { description } : {}) };
  const kept = Object.entries(value).map(([key, one]) => [key, key === "properties" ? properties(one, schemas) : typed(one, schemas)]);
  const required = value.required?.map((key) => (value.properties?.[key]?.readOnly ? readonlyMark + key : key));
  return { ...Object.fromEntries(kept), ...(required ? { required } : {}) };
}

function properties(value, schemas) {
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [(one.readOnly ? readonlyMark : "") + key, typed(one, schemas)]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeGenerated(root, await generated(), "scripts/generate-api.mjs");
