// Made by scripts/generate-spec.mjs from compose.schema.json: change that one.

/** One finding of the validator, as ajv words it. */
export interface Finding {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Whether a value is a Compose file; if not, `errors` says everything that is wrong with it. */
export const validate: { (data: unknown): boolean; errors?: Finding[] | null };
export default validate;
