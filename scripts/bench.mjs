// npm run bench [names...] [--runs N]: bundles bench/run.ts, then runs it.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildBerth, installPackages, installTools, requireRootAndNode, root } from "./setup.mjs";

requireRootAndNode();
await installPackages();
await installTools({ forTests: true });
await buildBerth();
const { build } = await import("esbuild");
const outfile = join(root, "dist/bench.js");
await build({
  absWorkingDir: root,
  entryPoints: ["bench/run.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: ["koffi"],
  logLevel: "warning",
  banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
});
await import(pathToFileURL(outfile).href);
