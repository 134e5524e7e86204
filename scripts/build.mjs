// Builds dist/: the command line, one script, because that is loaded fastest; the engine and its worker threads, ES modules that load what they need.
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { learnCompiledCode } from "./learn-code.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const common = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  // koffi finds its prebuilt library beside its own files.
  external: ["koffi"],
  minifySyntax: true,
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
await Promise.all([
  build({
    ...common,
    entryPoints: { cli: "src/cli/main.ts" },
    format: "cjs",
    // A function that bin/compiled-bundle.js calls.
    banner: { js: "(function (require, __filename, __dirname) {" },
    footer: { js: "})" },
    minifyWhitespace: true,
    define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  }),
  build({
    ...common,
    // A worker is an entry of its own: it is started by path, beside the bundle that starts it.
    entryPoints: { engine: "src/engine/main.ts", "unpack-worker": "src/image/unpack-worker.ts" },
    format: "esm",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    // Bundled CommonJS packages call require; an ES module has none of its own.
    banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
  }),
]);
const cli = join(dist, "cli.js");
await sign(cli);
await chmod(join(root, "bin/berth"), 0o755).catch(() => {});
await learnCompiledCode(root, cli);

/** Adds the line that bin/compiled-bundle.js knows a bundle by. */
async function sign(bundle) {
  const text = await readFile(bundle);
  if (text.some((byte) => byte > 127)) throw new Error(`${bundle} is not plain ASCII, as which it is read`);
  await writeFile(bundle, `${text}// ${createHash("sha256").update(text).digest("hex").slice(0, 16)}\n`);
}
