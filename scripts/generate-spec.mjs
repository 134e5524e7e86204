// Makes, from the one JSON Schema of project files, what src/spec compiles in: the validator, the types of a raw file and the table of attributes;
// and docs/compose-support.md. `--check` changes nothing and fails where a file is not current.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import AjvModule from "ajv";
import standaloneModule from "ajv/dist/standalone/index.js";
import { compile } from "json-schema-to-typescript";
import { writeGenerated } from "./write-generated.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "src/spec/schema");
const banner = "// Made by scripts/generate-spec.mjs from compose.schema.json: change that one.\n";

/** File -> content, of everything that is generated. */
export async function generated() {
  const schema = JSON.parse(readFileSync(join(folder, "compose.schema.json"), "utf8"));
  return {
    "src/spec/schema/validate.generated.js": validator(schema),
    "src/spec/schema/validate.generated.d.ts": validatorTypes(),
    "src/spec/schema/compose-file.generated.ts": await rawTypes(schema),
    "src/spec/schema/attributes.generated.ts": attributeTable(schema),
    "docs/compose-support.md": supportTable(schema),
  };
}

function validator(schema) {
  const Ajv = AjvModule.default ?? AjvModule;
  const standalone = standaloneModule.default ?? standaloneModule;
  const ajv = new Ajv({
    allErrors: true,
    verbose: false,
    strict: true,
    strictTypes: false,
    keywords: ["x-berth"],
    code: { source: true, esm: true, lines: false },
    messages: false,
    inlineRefs: false,
  });
  const code = withoutUnused(standalone(ajv, ajv.compile(rulesOnly(schema))).replace(/^"use strict";/, ""));
  const imports = [];
  const body = code.replace(/const (\w+) = require\("([^"]+)"\)\.default;?/g, (_, name, path) => {
    imports.push(`import ${name}Module from "${path}.js";`);
    return `const ${name} = ${name}Module.default ?? ${name}Module;`;
  });
  return `${banner}// @ts-nocheck\n${imports.join("\n")}\n${body}\n`;
}

/** A validator needs no descriptions. */
function rulesOnly(value) {
  if (Array.isArray(value)) return value.map(rulesOnly);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key, one]) => key !== "x-berth" && !(key === "description" && typeof one === "string"));
  return Object.fromEntries(kept.map(([key, one]) => [key, rulesOnly(one)]));
}

/** ajv leaves every schema in the code; few are read when validating. */
function withoutUnused(code) {
  return code.replace(/const (schema\d+) = [^;]*;/g, (whole, name) => (code.split(name).length > 2 ? whole : ""));
}

function validatorTypes() {
  return `${banner}
/** One finding of the validator, as ajv words it. */
export interface Finding {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Whether a value is a Compose file; if not, \`errors\` says everything that is wrong with it. */
export const validate: { (data: unknown): boolean; errors?: Finding[] | null };
export default validate;
`;
}

async function rawTypes(schema) {
  const text = await compile(withoutDescriptionsOfRefs(schema), "ComposeFile", {
    bannerComment: banner.trimEnd(),
    additionalProperties: false,
    style: { printWidth: 140 },
    unreachableDefinitions: false,
  });
  return text;
}

/** json-schema-to-typescript makes a type of its own of a reference with a description beside it. */
function withoutDescriptionsOfRefs(value) {
  if (Array.isArray(value)) return value.map(withoutDescriptionsOfRefs);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$ref === "string") return { $ref: value.$ref };
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutDescriptionsOfRefs(one)]));
}

/** Every attribute of the schema: its pattern (`services.*.build.context`), what it is for and what becomes of it. */
function attributes(schema) {
  const found = [];
  const walk = (given, path) => {
    const one = given.$ref ? { ...schema.$defs[given.$ref.split("/").at(-1)], ...given } : given;
    if (one["x-berth"]) found.push({ path: path.join("."), description: one.description, ...one["x-berth"] });
    for (const [key, next] of Object.entries(one.properties ?? {})) walk(next, [...path, key]);
    for (const [pattern, next] of Object.entries(one.patternProperties ?? {})) if (pattern !== "^x-") walk(next, [...path, "*"]);
    if (one.items) walk(one.items, [...path, "*"]);
  };
  walk(schema, []);
  return found;
}

function attributeTable(schema) {
  const special = attributes(schema).filter(({ status }) => status !== "applied");
  const lines = special.map(
    ({ path, status, note, harmless }) => `  ${JSON.stringify(path)}: ${JSON.stringify({ status, note, harmless })},`,
  );
  return `${banner}
/** The keys that a mapping may have, by its pattern; of those that may have no others. */
export const knownKeys: Readonly<Record<string, readonly string[]>> = {
${knownKeys(schema).join("\n")}
};

/** Attributes that do not take effect, by pattern: those that a warning names, and those that are refused; \`harmless\` values ask for what happens anyway. */
export const attributesWithoutEffect: Readonly<Record<string, { readonly status: "reported" | "refused"; readonly note: string; readonly harmless?: readonly string[] }>> = {
${lines.join("\n")}
};
`;
}

function knownKeys(schema) {
  const lines = [];
  const walk = (given, path) => {
    const one = given.$ref ? { ...schema.$defs[given.$ref.split("/").at(-1)], ...given } : given;
    if (one.additionalProperties === false && one.properties) {
      lines.push(`  ${JSON.stringify(path.join("."))}: ${JSON.stringify(Object.keys(one.properties))},`);
    }
    for (const [key, next] of Object.entries(one.properties ?? {})) walk(next, [...path, key]);
    for (const [pattern, next] of Object.entries(one.patternProperties ?? {})) if (pattern !== "^x-") walk(next, [...path, "*"]);
    if (one.items) walk(one.items, [...path, "*"]);
  };
  walk(schema, []);
  return lines;
}

function supportTable(schema) {
  const rows = attributes(schema).map(({ path, description, status, note, since, harmless }) => {
    const name = path.replaceAll(".*", "[]").replace(/^(services|networks|volumes|secrets|configs|models)\[\]/, "$1.NAME");
    return `| \`${name}\` | ${status}${note ? `: ${note}` : ""}${harmless ? ` (${harmless.join(", ")}: that is so anyway)` : ""} | ${since ?? "0.1"} | ${description} |`;
  });
  return `# What Berth does with each attribute of a Compose file

This table is made by \`node scripts/generate-spec.mjs\` from \`src/spec/schema/compose.schema.json\`.

- **applied**: it takes effect as the Compose specification says.
- **reported**: it is read, and \`berth config\` prints it; it has no effect here, and a warning with its place says so.
- **refused**: a file that has it does not load; the error names the place.

Keys that begin with \`x-\` are allowed everywhere and mean nothing to Berth.

| attribute | what becomes of it | since | meaning |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeGenerated(root, await generated(), "scripts/generate-spec.mjs");
