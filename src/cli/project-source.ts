import type { Project } from "../api/index.ts";
import { BerthError } from "../system/error.ts";
import type { Invocation } from "./invocation.ts";
import { projectName } from "./project-name.ts";

/**
 * The project that the flags, the environment and the files of this directory mean, complete. What the files warn about is said on stderr.
 * Services that are named are enabled whatever their profile is.
 * @throws BerthError (one, or an AggregateError of several) with file, line and column for what is wrong in them
 */
export async function loadedProject(cli: Invocation, services: readonly string[] = []): Promise<Project> {
  const [{ loadProject }, { loadOptions }, { showWarnings }] = await Promise.all([
    import("../spec/index.ts"),
    import("./load-options.ts"),
    import("./render/warnings.ts"),
  ]);
  const { project, warnings } = await loadProject({ ...loadOptions(cli), services });
  showWarnings(cli, warnings);
  return cli.globals.compatibility || isTrue(cli.env["COMPOSE_COMPATIBILITY"]) ? { ...project, name_separator: "_" } : project;
}

const isTrue = (text: string | undefined): boolean => text === "1" || text === "true";

/** A project of which only the name may be known: `-p NAME` where there is no Compose file. */
export interface NamedProject {
  readonly name: string;
  readonly project?: Project;
}

/** For commands that work on what runs: the files where there are any, or else the name alone, where one is given. */
export async function namedProject(cli: Invocation, services: readonly string[] = []): Promise<NamedProject> {
  try {
    const project = await loadedProject(cli, services);
    return { name: project.name, project };
  } catch (error) {
    const given = cli.globals.projectName ?? cli.env["COMPOSE_PROJECT_NAME"];
    if (given && !cli.globals.file && error instanceof BerthError && error.code === "spec/no-file") return { name: projectName(cli) };
    throw error;
  }
}
