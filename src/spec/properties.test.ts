import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { environmentPairs, projectFile } from "../../test/support/arbitrary-project.ts";
import { BerthError } from "../system/error.ts";
import { loadProject, toJson, toYaml } from "./index.ts";
import { merge } from "./merge/merge.ts";
import { dropDuplicates } from "./merge/unicity.ts";
import { Problems } from "./problems.ts";
import { parseYaml } from "./yaml/parse.ts";
import { type Mapping, toPlain } from "./yaml/tree.ts";

/** Longer with BERTH_FUZZ_RUNS; a counterexample found so becomes a test of its own. */
const numRuns = Number(process.env["BERTH_FUZZ_RUNS"] ?? 60);

const load = (text: string) =>
  loadProject({
    cwd: "/nowhere",
    env: { HOME: "/root", A: "value" },
    files: ["-"],
    projectName: "p",
    stdin: () => Readable.from([Buffer.from(text)]),
    lenient: true,
  });

test("what is printed loads as what was printed", async () => {
  await fc.assert(
    fc.asyncProperty(projectFile, async (file) => {
      const first = await load(JSON.stringify(file)).catch((error: unknown) => {
        // Random text may hold a malformed expression.
        if (errorsOf(error).every((one) => one instanceof BerthError && one.code === "spec/interpolation")) return undefined;
        throw error;
      });
      fc.pre(first !== undefined);
      const printed = toYaml(first.project);
      const second = await load(printed);
      expect(toJson(second.project)).toBe(toJson(first.project));
      expect(toYaml(second.project)).toBe(printed);
    }),
    { numRuns },
  );
});

test("a key that would be a merge key is printed as a key", async () => {
  const { project } = await load('{"services": {}, "x-top": [{"<<": null}]}');
  expect(toJson((await load(toYaml(project))).project)).toBe(toJson(project));
});

const sample = `
x-base: &base {restart: always, environment: [A=1]}
services:
  web:
    <<: *base
    image: "x:\${TAG:-1}"
    ports: ["80:80", {target: 81}]
    volumes: [./a:/a, "v:/v:ro"]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, x], interval: 5s}
  db: {image: y, profiles: [p], deploy: {replicas: 2, resources: {limits: {cpus: "0.5"}}}}
volumes: {v: {driver: local}}
networks: {default: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}
`;
const shards = [
  ..."{}[]:,-&*!|>'\"%@`#?~ \n\t$\\",
  "<<: ",
  "!reset ",
  "!override ",
  "null",
  "${",
  "- ",
  "&a ",
  "*base",
  "0x",
  "services:",
  "extends: web",
  "---\n",
  "\u0000",
  "\ufeff",
];
const edit = fc.record({
  at: fc.nat(sample.length),
  remove: fc.nat(12),
  insert: fc.oneof(fc.constantFrom(...shards), fc.string({ maxLength: 6 })),
});

test("no text makes the loader fail with anything but located errors", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.array(edit, { minLength: 1, maxLength: 5 }).map(mutated), fc.string({ maxLength: 80 })), async (text) => {
      const errors = await load(text).then(() => [], errorsOf);
      for (const error of errors) {
        if (!(error instanceof BerthError)) throw error;
        expect(error.code).toMatch(/^spec\//);
        if (error.code !== "spec/project-name") expect(error.place).toMatchObject({ file: "-" });
      }
    }),
    { numRuns: numRuns * 5 },
  );
});

test("a text that is nested without end, or multiplies itself by its aliases, is refused at a place", async () => {
  const bomb = [
    "a: &a [x, x, x, x, x, x, x, x]",
    ..."bcdefgh".split("").map((name, i) => `${name}: &${name} [${Array(8).fill(`*${"abcdefg"[i]}`).join(", ")}]`),
  ];
  for (const text of [
    "[".repeat(20_000),
    "x-a: " + "[".repeat(300) + "]".repeat(300),
    "- ".repeat(5_000),
    "{a: ".repeat(5_000),
    bomb.map((line) => `x-${line}`).join("\n"),
  ]) {
    const [error] = await load(text).then(() => [], errorsOf);
    expect(error).toMatchObject({ code: "spec/yaml", place: { file: "-" } });
  }
});

test("merging pairs is associative", () => {
  const laid = (...files: unknown[]) =>
    files
      .map((environment) => tree({ services: { a: { environment, labels: environment } } }))
      .reduce((base, over) => settled(merge(base, over, new Problems()) as Mapping));
  fc.assert(
    fc.property(environmentPairs, environmentPairs, environmentPairs, (one, two, three) => {
      const left = laid(one, two, three);
      const right = settled(
        merge(tree({ services: { a: { environment: one, labels: one } } }), laid(two, three), new Problems()) as Mapping,
      );
      expect(pairsOf(left)).toEqual(pairsOf(right));
    }),
    { numRuns },
  );
});

function errorsOf(error: unknown): unknown[] {
  return error instanceof AggregateError ? error.errors : [error];
}

function mutated(edits: readonly { at: number; remove: number; insert: string }[]): string {
  let text = sample;
  for (const { at, remove, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + remove);
  return text;
}

function tree(value: unknown): Mapping {
  return parseYaml("-", JSON.stringify(value), new Problems())[0]?.root as Mapping;
}

function settled(root: Mapping): Mapping {
  dropDuplicates(root);
  return root;
}

/** Pairs by name: their order is no part of what they mean. */
function pairsOf(root: Mapping): Record<string, string> {
  const { environment } = (toPlain(root) as { services: { a: { environment: unknown } } }).services.a;
  const list = Array.isArray(environment) ? environment : Object.entries(environment as object).map(([name, value]) => `${name}=${value}`);
  return Object.fromEntries(list.map((pair: string) => [pair.split("=")[0], pair]));
}
