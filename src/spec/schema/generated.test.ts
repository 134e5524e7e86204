import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const checkout = join(import.meta.dirname, "../../..");

test("what is generated from the schema is current: `node scripts/generate-spec.mjs` writes it", async () => {
  const script = pathToFileURL(join(checkout, "scripts/generate-spec.mjs")).href;
  const { generated } = (await import(script)) as { generated: () => Promise<Record<string, string>> };
  const files = Object.entries(await generated());
  expect(files.length).toBe(5);
  for (const [file, content] of files) expect(readFileSync(join(checkout, file), "utf8"), file).toBe(content);
});
