import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const checkout = join(import.meta.dirname, "../..");

test("the types of /projects are those of its description: `node scripts/generate-api.mjs` writes them", async () => {
  const script = pathToFileURL(join(checkout, "scripts/generate-api.mjs")).href;
  const { generated } = (await import(script)) as { generated: () => Promise<Record<string, string>> };
  const files = Object.entries(await generated());
  expect(files.length).toBe(1);
  for (const [file, content] of files) expect(readFileSync(join(checkout, file), "utf8"), file).toBe(content);
});
