import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { parseAllDocuments } from "yaml";
import { type LoadOptions, loadProject, selectServices, toJson } from "../../src/spec/index.ts";
import { BerthError, formatError } from "../../src/system/error.ts";

/** One case of the loader: files, what is said on the command line, and the environment. */
export interface SpecCase {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** Where the command is given, from the case's directory. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Compose's flags before the command. */
  readonly args?: readonly string[];
  readonly services?: readonly string[];
  readonly stdin?: string;
}

/** What a case comes to: the canonical project, or the errors as they are shown. */
export type Outcome = { readonly project: unknown; readonly warnings?: readonly string[] } | { readonly errors: readonly string[] };

/** The cases of every file in a folder, by theme. */
export function readCases(folder: string): { theme: string; cases: SpecCase[] }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .map((file) => ({
      theme: basename(file, ".yaml"),
      cases: parseAllDocuments(readFileSync(join(folder, file), "utf8")).map((document) => document.toJS() as SpecCase),
    }));
}

/** A case's files in a directory of its own, which goes away with it. */
export function materialize({ files, cwd = ".", env = {} }: SpecCase) {
  // The last part of the path is the name of the project.
  const root = realpathSync(mkdtempSync(join(tmpdir(), "berth-spec-")));
  const directory = join(root, "case");
  mkdirSync(directory);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  const working = resolve(directory, cwd);
  return {
    /** The text with <dir> for the case's directory, and <up> for the one above it. */
    anywhere: (text: string) => text.replaceAll(directory, "<dir>").replaceAll(root, "<up>"),
    cwd: working,
    env: { HOME: "/root", PATH: "/usr/bin:/bin", PWD: working, ...env },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Loads a case as `berth config` does. Paths of its directory read as <dir>. */
export async function outcomeOf(one: SpecCase): Promise<Outcome> {
  using placed = materialize(one);
  const { anywhere } = placed;
  try {
    const options: LoadOptions = {
      ...flags(one.args ?? []),
      cwd: placed.cwd,
      env: placed.env,
      stdin: () => Readable.from([Buffer.from(one.stdin ?? "")]),
      services: one.services,
      lenient: true,
    };
    const { project, warnings } = await loadProject(options);
    const selected = one.services ? selectServices(project, one.services) : { project, unknown: [] };
    if (selected.unknown.length > 0) return { errors: [`there is no service ${selected.unknown.join(", ")}`] };
    // Whether labels of SELinux have an effect is the machine's.
    const said = warnings
      .filter(({ message }) => !message.startsWith("selinux "))
      .map(({ message, place }) => anywhere(place && "line" in place ? `${place.line}:${place.column}: ${message}` : message));
    return { project: JSON.parse(anywhere(toJson(selected.project))), ...(said.length > 0 ? { warnings: said } : {}) };
  } catch (error) {
    const all: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const texts = all.map((each) => {
      if (each instanceof BerthError) return anywhere(formatError(each));
      throw each;
    });
    return { errors: texts };
  }
}

function flags(args: readonly string[]): Partial<LoadOptions> {
  const found = { files: [] as string[], profiles: [] as string[], envFiles: [] as string[] };
  const single: { projectName?: string; projectDirectory?: string; allResources?: boolean } = {};
  for (let index = 0; index < args.length; index++) {
    const flag = args[index];
    const value = () => args[++index] ?? "";
    if (flag === "-f") found.files.push(value());
    else if (flag === "--profile") found.profiles.push(value());
    else if (flag === "--env-file") found.envFiles.push(value());
    else if (flag === "-p") single.projectName = value();
    else if (flag === "--project-directory") single.projectDirectory = value();
    else if (flag === "--all-resources") single.allResources = true;
    else throw new Error(`a case has no flag ${flag}`);
  }
  return { ...found, ...single };
}
