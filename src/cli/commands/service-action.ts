import type { ProjectAction } from "../../api/index.ts";
import { withDependencies } from "../attached/attached-services.ts";
import type { Invocation } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { nameOf, projectContainers } from "../project-containers.ts";
import { type NamedProject, namedProject } from "../project-source.ts";
import { requireServices } from "../service-names.ts";

export interface ActionFlags {
  /** false: --no-deps. */
  readonly deps?: boolean;
  readonly removeOrphans?: boolean;
  readonly signal?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly wait?: boolean;
  readonly waitTimeout?: number;
}

type Action = "start" | "stop" | "restart" | "kill" | "pause" | "unpause";

const titles: Record<Action, string> = {
  start: "Running",
  stop: "Stopping",
  restart: "Restarting",
  kill: "Killing",
  pause: "Pausing",
  unpause: "Unpausing",
};

export const start = serviceAction("start");
export const stop = serviceAction("stop");
export const restart = serviceAction("restart");
export const kill = serviceAction("kill");
export const pause = serviceAction("pause");
export const unpause = serviceAction("unpause");

/** The commands that are one request: the engine knows the order of the services. */
function serviceAction(action: Action) {
  return async (cli: Invocation, services: readonly string[], flags: ActionFlags): Promise<void> => {
    const target = await namedProject(cli, services);
    if (target.project) requireServices(target.project, services);
    if (cli.globals.dryRun) return printDryRun(cli, target, action, services);
    // What a service needs is started with it, as Compose does.
    const needed = action === "start" && target.project && services.length > 0 ? withDependencies(target.project, services) : services;
    const body: ProjectAction = {
      services: [...needed],
      ...(target.project ? { project: target.project } : {}),
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
      ...(flags.signal ? { signal: flags.signal } : {}),
      ...(flags.deps === false ? { noDeps: true } : {}),
      ...(flags.removeOrphans ? { removeOrphans: true } : {}),
      ...(flags.wait ? { wait: true } : {}),
      ...(flags.waitTimeout ? { waitTimeoutMs: flags.waitTimeout * 1000 } : {}),
    };
    await changeProject(cli, { method: "POST", project: target.name, action, body }, { title: titles[action] });
  };
}

/** "would stop shop-web-1" for each container that the action would reach. */
export async function printDryRun(cli: Invocation, target: NamedProject, verb: string, services: readonly string[]): Promise<void> {
  const rows = await projectContainers(await cli.engine(), {
    project: target.name,
    all: true,
    oneOff: false,
    services,
    signal: cli.signal,
  });
  const reached = rows.filter((row) => reaches(verb, row.State));
  for (const row of reached) cli.print(`would ${verb} ${nameOf(row)}`);
  if (reached.length === 0) cli.print("Nothing to do.");
}

function reaches(verb: string, state: string): boolean {
  switch (verb) {
    case "start":
      return !["running", "paused", "restarting"].includes(state);
    case "stop":
    case "kill":
      return ["running", "paused", "restarting"].includes(state);
    case "pause":
      return state === "running";
    case "unpause":
      return state === "paused";
    case "remove":
      return ["created", "exited", "dead"].includes(state);
    default:
      return true;
  }
}
