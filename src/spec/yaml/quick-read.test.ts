import fc from "fast-check";
import { expect, test } from "vitest";
import { Problems } from "../problems.ts";
import { parseWhole } from "./parse.ts";
import { quickRead } from "./quick-read.ts";
import { Source } from "./source.ts";
import { List, type Mapping, Scalar, type Tree, toPlain } from "./tree.ts";

const numRuns = Number(process.env["BERTH_FUZZ_RUNS"] ?? 60) * 10;

test("reads what most files are written in", () => {
  const text = `# a project
name: shop
services:
  web:
    image: "nginx:1"   # the front
    command: ['sh', -c, "echo \\"hi\\""]
    ports:
    - 80:80
    - target: 81
      mode: host
    environment: {A: 1, "B": 'it''s', C: }
    empty:
`;
  expect(toPlain(quickRead(new Source("f", text))?.root ?? new Scalar("not read"))).toEqual({
    name: "shop",
    services: {
      web: {
        image: "nginx:1",
        command: ["sh", "-c", 'echo "hi"'],
        ports: ["80:80", { target: 81, mode: "host" }],
        environment: { A: 1, B: "it's", C: null },
        empty: null,
      },
    },
  });
});

test("leaves everything else to the whole parser", () => {
  for (const text of [
    "a: &x 1",
    "a: *x",
    "a: |\n  text",
    "a: !reset b",
    "---\na: 1",
    "a: 1\n---\nb: 2",
    "a: 1\na: 2",
    "a:\n\tb: 1",
    "1: a",
    "a: b: c",
    "a: [1,\n 2]",
    'a: "x\n y"',
  ])
    expect(quickRead(new Source("f", text)), text).toBeUndefined();
});

const base = `name: x
services:
  web:
    image: "a:1" # c
    command: [sh, -c, 'x y']
    ports:
    - 80:80
    - target: 81
      mode: host
    deploy: {replicas: 2, labels: {a: b}}
  db:
    - one
    -
      two: 2
`;
const shards = [..."{}[]:,-&*!|>'\"%@`#?~ \n$\\", ": ", " #", "- ", "\n  ", "\n    ", "null", "'' ", '"a": 1', "<<: ", "---\n", "? "];
const edits = fc.array(
  fc.record({
    at: fc.nat(base.length),
    remove: fc.nat(6),
    insert: fc.oneof(
      fc.constantFrom(...shards),
      fc.constantFrom(...shards).chain((one) => fc.constantFrom(...shards).map((two) => one + two)),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

test("where it reads a text, the whole parser reads the same, each value at the same place", () => {
  fc.assert(
    fc.property(edits, (list) => {
      let text = base;
      for (const { at, remove, insert } of list) text = text.slice(0, at) + insert + text.slice(at + remove);
      const source = new Source("f", text);
      const quick = quickRead(source);
      if (!quick) return;
      const problems = new Problems();
      const [whole, ...more] = parseWhole(source, problems);
      problems.throwIfAny();
      expect(more).toEqual([]);
      expect(placed(quick.root)).toEqual(whole?.root && placed(whole.root));
    }),
    { numRuns },
  );
});

/** A tree with the places of its values and keys. */
function placed(tree: Tree): unknown {
  if (tree instanceof Scalar && tree.value === null) return null; // nothing is nowhere in particular
  if (tree instanceof Scalar) return [tree.value, tree.kind, tree.text, tree.origin?.start, tree.origin?.end];
  if (tree instanceof List) return [tree.origin?.start, ...tree.items.map(placed)];
  const { entries, keys, origin } = tree as Mapping;
  return [origin?.start, ...[...entries].map(([key, value]) => [key, keys.get(key)?.start, keys.get(key)?.end, placed(value)])];
}
