import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { expect, test } from "vitest";
import { checkout } from "../../support/berth.ts";

const directory = mkdtempSync("/var/tmp/berth-few-watches-");

/** Watches `<directory>/src` and changes a file in it; prints what it was told. */
const program = `
import { writeFileSync } from "node:fs";
import { SourceWatcher } from "${checkout}/src/scheduler/watch/source-watcher.ts";
const none = { matches: () => false, matchesAllBelow: () => false };
const failures = [];
const rule = { service: "web", index: 0, action: "sync", path: "${directory}/src", isFile: false, initialSync: false, ignore: none };
const seen = new Promise((resolve) => {
  const watcher = new SourceWatcher({ rules: [rule], failed: (message) => failures.push(message), changed: (path) => resolve({ watcher, path }) });
  watcher.ready.then(() => writeFileSync("${directory}/src/a.txt", "new"));
});
const { watcher, path } = await seen;
watcher.close();
console.log(JSON.stringify({ failures, path }));
`;

test("too few inotify watches are one message that names the sysctl, and what can be watched is", async () => {
  try {
    for (let sub = 0; sub < 30; sub++) mkdirSync(join(directory, `src/d${sub}`), { recursive: true });
    writeFileSync(join(directory, "src/a.txt"), "old");
    const outfile = join(directory, "program.mjs");
    const banner = {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    };
    const stdin = { contents: program, resolveDir: checkout };
    await build({ stdin, bundle: true, platform: "node", format: "esm", external: ["koffi"], outfile, banner, logLevel: "silent" });
    // The limit of a user namespace of its own: nobody else's watches are counted.
    const limited = 'echo 10 > /proc/sys/user/max_inotify_watches && exec "$0" "$1"';
    const { stdout } = await execa("unshare", ["--user", "--map-root-user", "sh", "-c", limited, process.execPath, outfile], {
      timeout: 60_000,
    });
    const { failures, path } = JSON.parse(stdout) as { failures: string[]; path: string }; // printed by the program
    expect(failures).toEqual([expect.stringContaining("sysctl fs.inotify.max_user_watches=")]);
    expect(path).toBe(join(directory, "src/a.txt"));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 90_000);
