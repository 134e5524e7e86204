import type { LoadOptions } from "../spec/index.ts";
import type { Invocation } from "./invocation.ts";

/** What the flags before the command and the caller's environment say of the project, as the loader takes it. */
export function loadOptions(cli: Invocation): LoadOptions {
  const { globals, env, cwd, signal } = cli;
  return {
    cwd,
    env,
    stdin: () => cli.stdin,
    signal,
    files: globals.file,
    projectName: globals.projectName,
    projectDirectory: globals.projectDirectory,
    profiles: globals.profile,
    envFiles: globals.envFile,
    allResources: globals.allResources,
  };
}
