import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes the files (content by path from `root`) that are not current; with `--check` says which, with the script that makes them, and fails. */
export function writeGenerated(root, files, script) {
  const check = process.argv.includes("--check");
  for (const [file, content] of Object.entries(files)) {
    const path = join(root, file);
    if (existsSync(path) && readFileSync(path, "utf8") === content) continue;
    if (check) {
      console.error(`${file} is not current: run \`node ${script}\`.`);
      process.exitCode = 1;
    } else {
      writeFileSync(path, content);
      console.log(`wrote ${file}`);
    }
  }
}
