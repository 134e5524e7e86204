// Runs a bundle with the code that V8 made of it before: compiling is most of what a short command would do. Node has this of its own only from 22 on, and not for what is
// compiled late.
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");
const { wrap, createRequire } = require("node:module");

/**
 * Runs a bundle: one CommonJS file without imports of its own. The compiled code lies beside it, one file for each Node, and is made at the end of the first run that finds
 * none; where nothing can be written the bundle is compiled each time. `learn`: what this run compiled in addition is kept, too.
 */
exports.run = function run(bundle, learn = false) {
  const source = fs.readFileSync(bundle, "latin1");
  const kept = compiledPath(bundle, source);
  const cachedData = readIfThere(kept);
  const script = new vm.Script(wrap(source), { filename: bundle, cachedData });
  // V8 itself refuses code that it made in another version, or with other flags.
  if (learn || !cachedData || script.cachedDataRejected) process.once("exit", () => keep(script, kept));
  script.runInThisContext()({}, createRequire(bundle), {}, bundle, path.dirname(bundle));
};

/** A bundle ends with a line of its hash, which is part of the name: V8 would only compare the length. */
function compiledPath(bundle, source) {
  const [, hash = ""] = /\/\/ ([0-9a-f]+)\n$/.exec(source.slice(-80)) ?? [];
  return `${bundle}.${hash}.${process.version}-${process.arch}.code`;
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

function keep(script, file) {
  const written = `${file}.${process.pid}`;
  try {
    const fd = fs.openSync(written, "wx", 0o644);
    try {
      fs.writeFileSync(fd, script.createCachedData());
      fs.fsyncSync(fd); // V8 ends the process over code that is half there.
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(written, file);
  } catch {
    fs.rmSync(written, { force: true }); // An installation that is read-only, or a full disk.
  }
}
