import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { VolumeSnapshots } from "../../runtime/index.ts";
import { route } from "../http/http.ts";
import { projectRoutes } from "./project-routes.ts";
import type { Projects } from "./projects.ts";
import { snapshotRoutes } from "./snapshot-routes.ts";

const checkout = join(import.meta.dirname, "../../..");
const methods = ["get", "put", "post", "delete", "patch", "head", "options"];

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
const description = parse(readFileSync(join(checkout, "docs/openapi.yaml"), "utf8")) as Description;

/** "GET ^\/projects$" */
const written = ({ method, path }: { readonly method: string; readonly path: RegExp }) => `${method} ${path.source}`;

test("docs/openapi.yaml has every route of /projects, and no other", () => {
  // Nothing of the parts is used before a request comes.
  const routes = [...projectRoutes({} as Projects), ...snapshotRoutes({} as Projects, {} as VolumeSnapshots)];
  const described = Object.entries(description.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => methods.includes(key))
      .map((method) => route(method.toUpperCase(), path, () => {})),
  );
  expect(described.map(written).sort()).toEqual(routes.map(written).sort());
});

test("every reference of the description leads somewhere, and every part of it is used", () => {
  const references = new Set<string>();
  JSON.stringify(description, (key, value: unknown) => {
    if (key === "$ref") references.add(String(value));
    return value;
  });
  const { components } = description as unknown as { components: Record<string, Record<string, unknown>> };
  const parts = Object.entries(components).flatMap(([kind, named]) => Object.keys(named).map((name) => `#/components/${kind}/${name}`));
  expect([...references].sort()).toEqual(parts.sort());
});

test("only these two files answer below /projects", () => {
  const engine = join(checkout, "src/engine");
  const files = readdirSync(engine, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
  );
  const answering = files.filter((file) => /route\(\s*"[A-Z]+",\s*["`]\/projects/.test(readFileSync(join(engine, file), "utf8")));
  expect(answering.sort()).toEqual(["projects/project-routes.ts", "projects/snapshot-routes.ts"]);
});
