import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Berth } from "./berth.ts";
import { busyboxArchive } from "./busybox-image.ts";

export interface TestProject extends AsyncDisposable {
  readonly directory: string;
  readonly name: string;
  write(file: string, content: string): void;
  berth(...args: string[]): Promise<string>;
  /** The same, whatever its exit code. */
  try(...args: string[]): ReturnType<Berth["call"]>;
}

/** A directory of its own with this compose.yaml (and other files); disposal takes the project down with its volumes and removes the directory. */
export function testProject(berth: Berth, compose: string, files: Readonly<Record<string, string>> = {}): TestProject {
  const directory = mkdtempSync("/var/tmp/berthproj-");
  const write = (file: string, content: string) => {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), content);
  };
  for (const [file, content] of Object.entries({ "compose.yaml": compose, ...files })) write(file, content);
  return {
    directory,
    name: basename(directory).toLowerCase(),
    write,
    berth: (...args) => berth.ok(args, { cwd: directory }),
    try: (...args) => berth.call(args, { cwd: directory }),
    [Symbol.asyncDispose]: async () => {
      await berth.call(["down", "-v", "-t", "0", "--remove-orphans"], { cwd: directory });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The image that most tests run: a static busybox, loaded from an archive made here. */
export async function loadBusybox(berth: Berth): Promise<void> {
  await berth.ok(["image", "load"], { input: busyboxArchive() });
}
