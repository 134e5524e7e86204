import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dockerPlugins } from "../../../scripts/docker-plugins.mjs";
import { materialize, outcomeOf, readCases, type SpecCase } from "../../support/spec-cases.ts";

// The same cases through Docker Compose: both come to the same project, or both refuse.
const compose = join(dockerPlugins(), "docker-compose");

for (const { theme, cases } of readCases(join(import.meta.dirname, "fixtures/cases"))) {
  describe(`as Docker Compose: ${theme}`, () => {
    for (const one of cases) {
      test(one.name, async () => {
        const ours = await outcomeOf(one);
        const theirs = composeOutcome(compose, one);
        if ("errors" in ours || theirs === undefined) expect({ refused: theirs === undefined }).toEqual({ refused: "errors" in ours });
        else expect(ours.project).toEqual(theirs);
      });
    }
  });
}

/** The project that Compose prints; undefined where it refuses. */
function composeOutcome(program: string, one: SpecCase): unknown {
  using placed = materialize(one);
  const args = [...(one.args ?? []), "config", "--format", "json", ...(one.services ?? [])];
  const { status, stdout } = spawnSync(program, args, { cwd: placed.cwd, env: placed.env, input: one.stdin ?? "", encoding: "utf8" });
  return status === 0 ? JSON.parse(placed.anywhere(stdout)) : undefined;
}
