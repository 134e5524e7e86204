import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type Berth, checkout } from "./berth.ts";

const name = "debian:bookworm-slim";
const timeoutMs = 300_000;

/**
 * The base image of the examples, as a user gets it: pulled, or bootstrapped where no registry answers. The first test that needs it leaves an archive
 * for the others, because a bootstrap takes half a minute.
 */
export async function loadBaseImage(berth: Berth): Promise<void> {
  const directory = join(checkout, "node_modules/.cache/berth-tests");
  const archive = join(directory, `${name.replace(":", "-")}.tar`);
  if (existsSync(archive)) {
    await berth.ok(["image", "load", "-i", archive], { timeoutMs });
    return;
  }
  const pull = await berth.call(["image", "pull", name], { timeoutMs });
  if (pull.exitCode !== 0) await berth.ok(["image", "bootstrap", name], { timeoutMs });
  mkdirSync(directory, { recursive: true });
  await berth.ok(["image", "save", "-o", `${archive}.new`, name], { timeoutMs });
  renameSync(`${archive}.new`, archive);
}
