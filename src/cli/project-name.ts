import { findProjectName } from "../spec/project-name.ts";
import type { Invocation } from "./invocation.ts";

/**
 * The project that a command means, for commands that need only its name.
 * @throws BerthError spec/no-file where there is no Compose file, spec/project-name where the name is none
 */
export function projectName({ globals, env, cwd }: Pick<Invocation, "globals" | "env" | "cwd">): string {
  return findProjectName({
    cwd,
    env,
    files: globals.file,
    projectName: globals.projectName,
    projectDirectory: globals.projectDirectory,
    envFiles: globals.envFile,
  });
}
