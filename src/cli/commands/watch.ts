import type { ProjectWatchRequest } from "../../api/index.ts";
import { switchWatch, WatchStream } from "../attached/watch-stream.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { loadedProject } from "../project-source.ts";
import { requireServices } from "../service-names.ts";
import { projectPut } from "./up.ts";

export interface WatchFlags {
  /** false: --no-up. */
  readonly up: boolean;
  readonly quiet?: boolean;
}

/** `berth watch`: builds and starts, then brings changes of the sources in until Ctrl-C. The services go on after that; the watch does not. */
export async function watch(cli: Invocation, services: readonly string[], flags: WatchFlags): Promise<number> {
  const project = await loadedProject(cli, services);
  requireServices(project, services);
  const chosen = services.length > 0 ? services : Object.keys(project.services);
  if (!chosen.some((name) => project.services[name]?.develop?.watch.length))
    throw usageError(
      "none of the services has rules to watch by",
      "Give one `develop: watch:` with a list of {action, path, target}; `berth init` shows how.",
    );
  const client = await cli.engine();
  if (flags.up || cli.globals.dryRun) {
    const body = await projectPut(cli, project, services, { build: true });
    await changeProject(cli, { method: "PUT", project: project.name, body }, flags.quiet ? { quietBuild: true } : {});
    if (cli.globals.dryRun) return 0;
  }
  const over = new AbortController();
  const stop = () => over.abort();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const stream = new WatchStream({ client, project: project.name, line: async (text) => cli.print(text), building: () => {} });
  const request: ProjectWatchRequest = { on: true, project, services: [...services] };
  await switchWatch(client, project.name, { request, signal: over.signal, tell: (event) => stream.show(event) });
  await stream.follow(over.signal);
  if (over.signal.aborted)
    await switchWatch(client, project.name, { request: { on: false }, signal: new AbortController().signal, tell: async () => {} });
  return over.signal.aborted ? 130 : 1;
}
