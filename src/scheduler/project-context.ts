import type { Container, Service } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { runHooks } from "./hooks.ts";
import { isOneOff, nameOf, ofProject, serviceOf } from "./labels.ts";
import type { Backend } from "./ports.ts";
import type { Progress } from "./progress.ts";

/** What every piece of work on one project uses. */
export interface ProjectContext {
  readonly backend: Backend;
  readonly name: string;
  readonly progress: Progress;
  /** Aborted: what has begun is finished, nothing else is begun. */
  readonly signal: AbortSignal;
  /** How a service is defined, as far as it is known: for its hooks and its dependencies. */
  definition(service: string): Service | undefined;
}

/** The containers of the project, without one-off ones unless they are asked for. */
export function projectContainers({ backend, name }: Pick<ProjectContext, "backend" | "name">, o: { oneOff?: boolean } = {}): Container[] {
  return ofProject(backend.containers.list(), name).filter(
    (container) => (o.oneOff || !isOneOff(container)) && container.State.Status !== "removing",
  );
}

export const containersOf = (context: Pick<ProjectContext, "backend" | "name">, service: string): Container[] =>
  projectContainers(context).filter((container) => serviceOf(container) === service);

/** Runs its `pre_stop` hooks and stops it. Already stopped is success. */
export async function stopContainer(context: ProjectContext, container: Container, timeoutMs: number | undefined): Promise<void> {
  const { backend } = context;
  if (container.State.Running && !container.State.Restarting && !container.State.Paused)
    await runHooks(backend, container, "pre_stop", context.definition(serviceOf(container))?.pre_stop);
  await gone(() => backend.containers.stop(container.Id, timeoutMs === undefined ? {} : { graceS: timeoutMs < 0 ? -1 : timeoutMs / 1000 }));
}

/** Removes it, running or not. Already removed is success. */
export async function removeContainer({ backend }: ProjectContext, container: Container, volumes: boolean): Promise<void> {
  await gone(() => backend.containers.remove(container.Id, { force: true, volumes }));
}

async function gone(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof BerthError && error.code === "container/not-found")) throw error;
  }
}

export const containerStep = (container: Pick<Container, "Name">): string => `Container ${nameOf(container)}`;
