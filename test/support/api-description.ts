import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { checkout } from "./berth.ts";

/** docs/openapi.yaml as a judge: what is wrong with a value that is said to be of that schema; nothing where it is. */
export function apiDescription(): { faults(schema: string, value: unknown): string[] } {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  ajv.addSchema(parse(readFileSync(join(checkout, "docs/openapi.yaml"), "utf8")) as object, "api");
  return {
    faults: (schema, value) => {
      const validate = ajv.getSchema(`api#/components/schemas/${schema}`);
      if (!validate) throw new Error(`docs/openapi.yaml has no schema ${schema}`);
      if (validate(value)) return [];
      return (validate.errors ?? []).map((error) => `${JSON.stringify(value)}${error.instancePath}: ${error.message ?? error.keyword}`);
    },
  };
}
