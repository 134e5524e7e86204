import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Outcome, outcomeOf, readCases } from "../../support/spec-cases.ts";

// Each case of fixtures/cases comes to what fixtures/expected has of it. BERTH_RECORD=1 writes that anew: look at the difference before keeping it.
const fixtures = join(import.meta.dirname, "fixtures");
const record = process.env["BERTH_RECORD"] === "1";

for (const { theme, cases } of readCases(join(fixtures, "cases"))) {
  describe(theme, () => {
    const file = join(fixtures, "expected", `${theme}.json`);
    const expected: Record<string, Outcome> = existsSync(file) && !record ? JSON.parse(readFileSync(file, "utf8")) : {};
    for (const one of cases) {
      test(one.name, async () => {
        const outcome = await outcomeOf(one);
        if (record) {
          expected[one.name] = outcome;
          mkdirSync(join(fixtures, "expected"), { recursive: true });
          writeFileSync(file, `${JSON.stringify(expected, undefined, 1)}\n`);
        }
        expect(outcome).toEqual(expected[one.name]);
      });
    }
  });
}
