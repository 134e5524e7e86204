import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { BerthError, errnoOf, messageOf } from "../system/error.ts";
import { type Invocation, usageError } from "./invocation.ts";

const fileNames = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/**
 * The project that a command means, for commands that need only its name: -p, then COMPOSE_PROJECT_NAME (environment, then .env), then `name:` of
 * the last Compose file that has one, then the directory's name (compose-spec 04-version-and-name.md, "Name top-level element").
 * @throws BerthError cli/usage where there is no Compose file, or its name has variables
 */
export function projectName(cli: Pick<Invocation, "globals" | "env" | "cwd">): string {
  const given = cli.globals.projectName || cli.env["COMPOSE_PROJECT_NAME"];
  if (given) return given;
  const files = composeFiles(cli);
  const [first] = files;
  if (first === undefined) {
    throw usageError(
      `no Compose file in ${cli.cwd} or a directory above it`,
      `It is called ${fileNames.join(", ")}; -f names another one, -p the project alone.`,
    );
  }
  const directory = resolve(cli.cwd, cli.globals.projectDirectory ?? dirname(first));
  return nameInDotEnv(join(directory, ".env")) ?? nameInFiles(files) ?? projectNameOfDirectory(directory);
}

/** Lower case, only letters, digits, dash and underscore, starting with a letter or digit (compose-go NormalizeProjectName). */
export function projectNameOfDirectory(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^-_a-z0-9]/g, "")
    .replace(/^[_-]+/, "");
  if (!name) throw usageError(`the name of ${directory} makes no project name`, "Give one with -p or `name:` in the file.");
  return name;
}

function composeFiles({ globals, env, cwd }: Pick<Invocation, "globals" | "env" | "cwd">): string[] {
  const listed = globals.file ?? env["COMPOSE_FILE"]?.split(env["COMPOSE_PATH_SEPARATOR"] || ":");
  if (listed?.length) return listed.map((file) => resolve(cwd, file));
  for (let directory = resolve(globals.projectDirectory ?? cwd); ; directory = dirname(directory)) {
    const found = fileNames.map((name) => join(directory, name)).find((file) => existsSync(file));
    if (found) return [found];
    if (dirname(directory) === directory) return [];
  }
}

function nameInFiles(files: readonly string[]): string | undefined {
  let name: string | undefined;
  for (const file of files) {
    const document: unknown = readYaml(file);
    if (document && typeof document === "object" && "name" in document && typeof document.name === "string") name = document.name;
  }
  if (name?.includes("$")) throw usageError(`the project's name "${name}" has variables`, "Give the name with -p.");
  return name;
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"), { logLevel: "silent" });
  } catch (error) {
    const what = errnoOf(error) === "ENOENT" ? "no such file" : messageOf(error).split("\n")[0];
    throw new BerthError("cli/usage", what ?? "", { place: { file }, cause: error });
  }
}

function nameInDotEnv(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  return /^\s*(?:export\s+)?COMPOSE_PROJECT_NAME\s*=\s*(["']?)([\w-]+)\1\s*(?:#.*)?$/m.exec(readFileSync(file, "utf8"))?.[2] || undefined;
}
