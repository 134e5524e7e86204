// Runs a bundle with the code that V8 made of it before: compiling is most of what a short command would do. Node has this of its own only from 22 on, and only for what is
// compiled before a module runs.
const fs = require("fs");
const path = require("path");
const vm = require("vm");

/**
 * Runs a bundle: one script, whose value is a function of `require`, `__filename` and `__dirname`. The compiled code lies beside it, one file for each Node and each `kind` of
 * run (code that a run does not need costs it time), and is made at the end of the first run that finds none; where nothing can be written the bundle is compiled each time.
 * `learn`: what this run compiled in addition is kept, too.
 */
exports.run = function run(bundle, kind, learn = false) {
  const source = fs.readFileSync(bundle, "latin1");
  const kept = compiledPath(bundle, source, kind);
  const cachedData = readIfThere(kept);
  const script = new vm.Script(source, { filename: bundle, cachedData });
  // V8 itself refuses code that it made in another version, or with other flags.
  if (learn || ((!cachedData || script.cachedDataRejected) && hasUsualFlags())) process.once("exit", () => keep(script, kept));
  script.runInThisContext()(lateRequire, bundle, path.dirname(bundle));
};

/** Modules of Node that take a millisecond or more to load. */
const heavy = ["child_process", "crypto", "fs/promises", "http", "https", "net", "readline/promises", "stream", "stream/promises", "tls"];

/** `require` for a bundle, in which most runs use few of the modules that are required: the heavy ones are loaded when something of them is first asked for. */
function lateRequire(name) {
  if (!heavy.includes(name.replace(/^node:/, ""))) return require(name);
  let loaded;
  return new Proxy({}, { get: (_, key) => (loaded ??= require(name))[key] });
}

/** A bundle ends with a line of its hash, which is part of the name: V8 would only compare the length. */
function compiledPath(bundle, source, kind) {
  const [, hash = ""] = /\/\/ ([0-9a-f]+)\n$/.exec(source.slice(-80)) ?? [];
  return `${bundle}.${hash}.${kind}.${process.version}-${process.arch}.code`;
}

function readIfThere(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Code that a run with flags of its own compiled would be of no use to the others. */
function hasUsualFlags() {
  return process.execArgv.length === 0 && !process.env.NODE_OPTIONS;
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
