import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { initPlan } from "../init/init-files.ts";
import { knownServices } from "../init/known-services.ts";
import type { ProjectFiles } from "../init/stack.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { nearest } from "../nearest.ts";

const composeFiles = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/** `berth init [SERVICE...]`: writes a compose.yaml for the application in this directory and for well-known services; never over a file that is there. */
export async function init(cli: Invocation, services: readonly string[]): Promise<void> {
  const names = Object.keys(knownServices);
  const unknown = services.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const meant = nearest(unknown, names);
    throw usageError(
      `"${unknown}" is no service that init knows`,
      `${meant ? `Did you mean "${meant}"? ` : ""}It knows: ${names.join(", ")}.`,
    );
  }
  const directory = cli.globals.projectDirectory ?? cli.cwd;
  const there = composeFiles.find((name) => existsSync(join(directory, name)));
  if (there) throw usageError(`${there} is there already, and init writes over nothing`, "Remove it, or run init in another directory.");
  const plan = initPlan(filesOf(directory), services);
  if (!plan)
    throw usageError(
      "there is no application here that init knows (Node.js, Python, Go, Rails, PHP), and no service was named",
      `Name services to begin with: ${names.join(", ")}.`,
    );
  cli.print(`Found: ${plan.found}`);
  for (const { path, content } of plan.files) {
    if (cli.globals.dryRun) cli.print(`would write ${path}:\n${content.trimEnd().replaceAll(/^/gm, "  ")}`);
    else {
      // "wx": not over a file that has come meanwhile.
      await writeFile(join(directory, path), content, { flag: "wx" });
      cli.print(`wrote ${path}`);
    }
  }
  for (const path of plan.kept) cli.print(`kept ${path} as it is`);
  if (!cli.globals.dryRun) cli.print("Next: berth up --watch");
}

function filesOf(directory: string): ProjectFiles {
  return {
    has: (path) => existsSync(join(directory, path)),
    read: (path) => (path !== "" && existsSync(join(directory, path)) ? readFileSync(join(directory, path), "utf8") : ""),
    list: (path) => (existsSync(join(directory, path)) ? readdirSync(join(directory, path)).sort() : []),
  };
}
