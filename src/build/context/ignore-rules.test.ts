import { describe, expect, it } from "vitest";
import { decidingRule, matchingRules, mayReinclude, parseIgnoreFile } from "./ignore-rules.ts";

function excluded(file: string, path: string): boolean {
  const rules = parseIgnoreFile(file, ".dockerignore");
  const parts = path.split("/");
  let matches: readonly boolean[] = [];
  for (let length = 1; length <= parts.length; length++) matches = matchingRules(rules, parts.slice(0, length).join("/"), matches);
  const rule = decidingRule(rules, matches);
  return rule !== undefined && !rule.negated;
}

describe(".dockerignore", () => {
  it.each([
    ["*.log", "a.log", true],
    ["*.log", "sub/a.log", false],
    ["**/*.log", "sub/deep/a.log", true],
    ["**/*.log", "a.log", true],
    ["dir", "dir/x/y", true],
    ["./dir/", "dir/x", true],
    ["/dir", "dir/x", true],
    ["b/../a", "a", true],
    ["a/**", "a/b/c", true],
    ["a/**", "a", false],
    ["[ab].txt", "b.txt", true],
    ["[^ab].txt", "b.txt", false],
    ["?.txt", "ab.txt", false],
    ["*\n!keep", "keep", false],
    ["*\n!keep", "keep/in", false],
    ["dir\n!dir/keep", "dir/keep", false],
    ["!keep\n*", "keep", true],
    ["# *\n", "x", false],
    ["*.LOG", "a.log", false],
    ["a+b.txt", "a+b.txt", true],
  ])("%j on %s: %s", (file, path, expected) => expect(excluded(file, path)).toBe(expected));

  it("walks an excluded directory only when a later rule can take something in", () => {
    const rules = parseIgnoreFile("node_modules\n!src/keep\n", ".dockerignore");
    expect([mayReinclude(rules, "node_modules"), mayReinclude(rules, "src"), mayReinclude(rules, "src/other")]).toEqual([
      false,
      true,
      false,
    ]);
    expect(mayReinclude(parseIgnoreFile("!**/x", "i"), "any/dir")).toBe(true);
  });
});
