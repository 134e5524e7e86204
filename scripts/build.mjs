// Builds dist/: the command line, the engine and the worker threads, each one bundle, so that a command loads one file.
import { existsSync } from "node:fs";
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Bundle name -> entry. A worker is an entry of its own: it is started by path, beside the bundle that starts it. */
const entries = {
  cli: "src/cli/main.ts",
  engine: "src/engine/main.ts",
  "unpack-worker": "src/image/unpack-worker.ts",
};

const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file))));
await rm(join(root, "dist"), { recursive: true, force: true });
await mkdir(join(root, "dist"));
await build({
  absWorkingDir: root,
  entryPoints: present,
  outdir: "dist",
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  platform: "node",
  format: "esm",
  target: "node20",
  // koffi finds its prebuilt library beside its own files.
  external: ["koffi"],
  minifySyntax: true,
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
  // Bundled CommonJS packages call require; an ES module has none of its own.
  banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
});
await chmod(join(root, "bin/berth"), 0o755).catch(() => {});
