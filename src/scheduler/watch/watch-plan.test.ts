import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { ignoreMatcher } from "../../build/index.ts";
import { isPruned, relevantPath } from "./rule-match.ts";
import { type ServiceWork, watchPlan } from "./watch-plan.ts";
import type { WatchedRule } from "./watched-rule.ts";

const patterns = (...lines: string[]) => ignoreMatcher(lines.join("\n"));

function rule(o: Partial<WatchedRule> & Pick<WatchedRule, "action">): WatchedRule {
  return {
    service: "web",
    index: 0,
    path: "/p/src",
    isFile: false,
    initialSync: false,
    ignore: patterns(),
    ...(o.action.startsWith("sync") ? { target: "/app" } : {}),
    ...o,
  };
}

/** One line a work: what the tests compare. */
function text(works: readonly ServiceWork[]): string[] {
  return works.map((work) =>
    work.kind === "rebuild"
      ? `${work.service}: rebuild`
      : [
          `${work.service}:`,
          ...work.syncs.map((sync) => `${sync.copies.map((copy) => copy.to).join(" ")} -> ${sync.target}`),
          ...(work.restart ? ["restart"] : []),
          ...work.execs.map((exec) => `exec ${exec.command.join(" ")}`),
        ].join(" "),
  );
}

describe("a batch of changes", () => {
  test("is copied below the target, in the order in which it came", () => {
    expect(text(watchPlan([rule({ action: "sync" })], ["/p/src/b/x", "/p/src/a"]))).toEqual(["web: b/x a -> /app"]);
  });
  test("of two rules with a restart is one restart, after everything was copied", () => {
    const rules = [rule({ action: "sync+restart" }), rule({ action: "sync+restart", path: "/p/etc", target: "/etc/app" })];
    expect(text(watchPlan(rules, ["/p/etc/c", "/p/src/a", "/p/src/b"]))).toEqual(["web: a b -> /app c -> /etc/app restart"]);
  });
  test("is built into the image when any rule asks for it, and nothing else is done", () => {
    const rules = [rule({ action: "sync" }), rule({ action: "rebuild", path: "/p/Dockerfile", isFile: true })];
    expect(text(watchPlan(rules, ["/p/src/a", "/p/Dockerfile"]))).toEqual(["web: rebuild"]);
    expect(text(watchPlan(rules, ["/p/src/a"]))).toEqual(["web: a -> /app"]);
  });
  test("runs the command of sync+exec once", () => {
    const rules = [rule({ action: "sync+exec", exec: { command: ["npm", "ci"] } })];
    expect(text(watchPlan(rules, ["/p/src/a", "/p/src/b"]))).toEqual(["web: a b -> /app exec npm ci"]);
  });
  test("leaves services alone whose rules it does not touch", () => {
    const rules = [rule({ action: "sync" }), rule({ action: "restart", service: "db", path: "/p/db" })];
    expect(text(watchPlan(rules, ["/p/db/conf"]))).toEqual(["db: restart"]);
    expect(watchPlan(rules, ["/p/srcx/a", "/q"])).toEqual([]);
  });
  test("of a rule on one file goes to the target itself", () => {
    const rules = [rule({ action: "sync", path: "/p/package.json", isFile: true, target: "/app/package.json" })];
    expect(watchPlan(rules, ["/p/package.json", "/p/package.json.bak"])).toMatchObject([
      { syncs: [{ target: "/app/package.json", isFile: true, copies: [{ from: "/p/package.json", to: "" }] }] },
    ]);
  });
});

describe("what concerns a rule", () => {
  test.each([
    ["a.js", true],
    ["sub/a.js", true],
    ["node_modules/x/y.js", false],
    ["a.tmp", false],
    [".git/HEAD", false],
    ["sub/.git/index", false],
    ["a.js~", false],
    [".a.js.swp", false],
    ["4913", false],
    [".#a.js", false],
    ["#a.js#", false],
    ["a.js___jb_tmp___", false],
    ["sub/.idea/workspace.xml", false],
    [".gitignore", true],
  ])("%s: %s", (path, expected) => {
    const one = rule({ action: "sync", ignore: patterns("node_modules/", "*.tmp") });
    expect(relevantPath(one, `/p/src/${path}`)).toBe(expected ? path : undefined);
  });
  test("include takes only what it matches, .dockerignore counts from the build's context", () => {
    const included = rule({ action: "sync", include: patterns("**/*.go") });
    expect([relevantPath(included, "/p/src/x/a.go"), relevantPath(included, "/p/src/x/a.js")]).toEqual(["x/a.go", undefined]);
    const built = rule({ action: "sync", contextIgnore: { context: "/p", patterns: patterns("src/gen", "!src/gen/keep") } });
    expect(relevantPath(built, "/p/src/gen/a")).toBeUndefined();
    expect(relevantPath(built, "/p/src/gen/keep")).toBe("gen/keep");
    expect([isPruned(built, "/p/src/gen"), isPruned(built, "/p/src/gen/other")]).toEqual([false, true]);
  });
  test("directories above and below are looked into, ignored and foreign ones are not", () => {
    const one = rule({ action: "sync", ignore: patterns("node_modules/") });
    expect(["/p", "/p/src", "/p/src/lib", "/p/src/node_modules", "/p/other"].map((path) => isPruned(one, path))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});

const component = fc.constantFrom("a", "b", "node_modules", ".git", "x.js", "x.js~");
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => `/p/${parts.join("/")}`);
const someRule = fc.record({
  action: fc.constantFrom("sync", "rebuild", "restart", "sync+restart", "sync+exec") as fc.Arbitrary<WatchedRule["action"]>,
  service: fc.constantFrom("web", "db"),
  path: fc.constantFrom("/p", "/p/a", "/p/a/b"),
  ignore: fc.constantFrom(patterns(), patterns("node_modules"), patterns("**/x.js", "!b")),
});

property.prop([fc.array(someRule, { maxLength: 5 }), fc.uniqueArray(path, { maxLength: 8 })])(
  "every service has at most one work, and every copy comes from a change that concerns a rule",
  (rules, changed) => {
    const watched = rules.map((one) => rule({ ...one, exec: { command: ["true"] } }));
    const works = watchPlan(watched, changed);
    expect(new Set(works.map((work) => work.service)).size).toBe(works.length);
    for (const work of works) {
      expect(work.paths.length).toBeGreaterThan(0);
      expect(work.paths.every((one) => changed.includes(one))).toBe(true);
      if (work.kind === "update") for (const copy of work.syncs.flatMap((sync) => sync.copies)) expect(work.paths).toContain(copy.from);
    }
    expect(watchPlan(watched, changed)).toEqual(works);
  },
);

property.prop([someRule, path])("nothing in a pruned directory concerns the rule", (one, changed) => {
  const watched = rule(one);
  const parts = changed.split("/");
  const above = parts.map((_, index) => parts.slice(0, index).join("/")).filter((directory) => directory.length > 1);
  if (above.some((directory) => isPruned(watched, directory))) expect(relevantPath(watched, changed)).toBeUndefined();
});
