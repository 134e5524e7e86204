import { expect, test } from "vitest";
import type { WatchRule } from "../../api/index.ts";
import { ignoreMatcher } from "../../build/index.ts";
import { type RuleFacts, watchedRules } from "./watched-rule.ts";

const present: Record<string, { path: string; isFile: boolean }> = {
  "/p/src": { path: "/p/src", isFile: false },
  "/p/link": { path: "/elsewhere/src", isFile: false },
  "/p/package.json": { path: "/p/package.json", isFile: true },
};

function checked(watch: WatchRule[], facts: Partial<RuleFacts> = {}) {
  return watchedRules({
    service: "web",
    watch,
    buildContext: "/p",
    hasBuild: true,
    readOnly: false,
    writableTargets: [],
    binds: [],
    find: (path) => present[path],
    patterns: (lines) => ignoreMatcher(lines.join("\n")),
    dockerIgnore: [],
    ...facts,
  });
}

test("a rule that cannot work is one sentence, and the others are watched", () => {
  const { rules, problems } = checked([
    { action: "sync", path: "/p/missing", target: "/app" },
    { action: "sync", path: "/p/src" },
    { action: "sync", path: "/p/src", target: "app" },
    { action: "sync", path: "/p/src", target: "/app/../../etc" },
    { action: "sync", path: "/p/src", target: "/proc/x" },
    { action: "sync+exec", path: "/p/src", target: "/app" },
    { action: "restart", path: "/p/src" },
  ]);
  expect(problems).toEqual([
    "services.web.develop.watch[0]: /p/missing does not exist, so nothing there is watched",
    "services.web.develop.watch[1]: the action is sync, but target is missing",
    "services.web.develop.watch[2]: target app is not an absolute path in the container",
    'services.web.develop.watch[3]: target /app/../../etc leads outside: it has ".." in it',
    "services.web.develop.watch[4]: target /proc/x belongs to the kernel; files cannot be kept there",
    "services.web.develop.watch[5]: the action is sync+exec, but exec.command is missing",
  ]);
  expect(rules.map((rule) => [rule.index, rule.action])).toEqual([[6, "restart"]]);
});

test("rebuild needs a build", () => {
  const { problems } = checked([{ action: "rebuild", path: "/p/src" }], { hasBuild: false });
  expect(problems).toEqual(["services.web.develop.watch[0]: the action is rebuild, but web has no build"]);
});

test("a read-only container takes files only on a writable volume", () => {
  const watch: WatchRule[] = [
    { action: "sync", path: "/p/src", target: "/app/src" },
    { action: "sync", path: "/p/src", target: "/data/src" },
  ];
  const { rules, problems } = checked(watch, { readOnly: true, writableTargets: ["/data"] });
  expect(problems).toEqual(["services.web.develop.watch[0]: web is read_only, and target /app/src is on no writable volume"]);
  expect(rules.map((rule) => rule.target)).toEqual(["/data/src"]);
});

test("what a bind mount already shows is not copied onto itself", () => {
  const { problems } = checked([{ action: "sync", path: "/p/src", target: "/app/src" }], { binds: [{ source: "/p", target: "/app" }] });
  expect(problems).toEqual([
    "services.web.develop.watch[0]: /p/src is already in the container by the bind mount on /app, so it is not copied",
  ]);
});

test("paths are real ones, and a file's target may be the directory it goes to", () => {
  const { rules } = checked([
    { action: "sync", path: "/p/link", target: "/app/" },
    { action: "sync", path: "/p/package.json", target: "/app/" },
    { action: "sync", path: "/p/package.json", target: "/app/p.json" },
  ]);
  expect(rules.map((rule) => [rule.path, rule.target])).toEqual([
    ["/elsewhere/src", "/app"],
    ["/p/package.json", "/app/package.json"],
    ["/p/package.json", "/app/p.json"],
  ]);
});
