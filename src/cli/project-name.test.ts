import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Globals } from "./invocation.ts";
import { projectName } from "./project-name.ts";

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "berth-name-"));
  for (const name of ["My.Shop/deep", "_Über 9", "named", "dotenv"]) mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, "My.Shop/compose.yaml"), "services: {}\n");
  writeFileSync(join(root, "_Über 9/compose.yaml"), "services: {}\n");
  writeFileSync(join(root, "named/compose.yaml"), "name: given\nservices: {}\n");
  writeFileSync(join(root, "named/variable.yaml"), 'name: "x-${Y}"\n');
  writeFileSync(join(root, "dotenv/compose.yaml"), "name: given\n");
  writeFileSync(join(root, "dotenv/.env"), "A=1\nCOMPOSE_PROJECT_NAME=from-env-file\n");
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const name = (directory: string, globals: Globals = {}, env: Record<string, string> = {}) =>
  projectName({ cwd: join(root, directory), globals, env });

test("is the name of the directory of the file, which may be above", () => {
  expect(name("My.Shop/deep")).toBe("myshop");
  expect(name("_Über 9")).toBe("ber9");
});

test("-p wins over COMPOSE_PROJECT_NAME, that over .env, that over the file's name", () => {
  expect(name("dotenv", { projectName: "p" }, { COMPOSE_PROJECT_NAME: "e" })).toBe("p");
  expect(name("dotenv", {}, { COMPOSE_PROJECT_NAME: "e" })).toBe("e");
  expect(name("dotenv")).toBe("from-env-file");
  expect(name("named")).toBe("given");
});

test("a name in a file may have variables", () => {
  expect(name("named", { file: ["variable.yaml"] }, { Y: "2" })).toBe("x-2");
});

test("a missing file, and a -p that is no name, are refused", () => {
  expect(() => name("named", { file: ["nothing.yaml"] })).toThrow("no such file");
  expect(() => name("named", { projectName: "No Name" })).toThrow('"No Name" is no project name');
});
