import { BerthError, messageOf } from "../system/index.ts";
import { waitFor } from "./conditions.ts";
import { failedAction } from "./failed-action.ts";
import { containerStep, containersOf, type ProjectContext } from "./project-context.ts";
import type { Dependency } from "./state.ts";

/** What is waited for, while it is. */
export type Holds = Set<{ readonly on: string; readonly waitsFor: string }>;

const word = { service_started: "started", service_healthy: "healthy", service_completed_successfully: "exited" } as const;

/**
 * Until all containers of a service are as its dependent needs them. One that cannot get there ends the waiting; where it is not required, with a warning.
 * @throws BerthError scheduler/dependency-failed
 */
export async function waitForDependency(context: ProjectContext, holds: Holds, dependency: Dependency, because: string): Promise<void> {
  const { progress } = context;
  const containers = containersOf(context, dependency.service);
  const hold = { on: because.split(" ")[0] ?? "", waitsFor: `${dependency.service} to be ${word[dependency.condition]}` };
  const failed = new AbortController();
  const signal = AbortSignal.any([context.signal, failed.signal]);
  holds.add(hold);
  try {
    if (containers.length === 0)
      throw new BerthError("scheduler/dependency-failed", `service ${dependency.service} has no container`, {
        place: { kind: "service", name: dependency.service },
      });
    await Promise.all(
      containers.map(async (container) => {
        const id = containerStep(container);
        progress.begin(id, "waiting", because);
        try {
          await waitFor(context.backend, container.Id, dependency.condition, signal);
          progress.done(id, word[dependency.condition]);
        } catch (error) {
          if (signal.aborted) throw error;
          const named = failedAction(dependency.service, "dependency failed to start", error);
          if (dependency.required) progress.failed(id, named);
          else progress.done(id, "skipped");
          throw dependency.required ? named : error;
        }
      }),
    );
  } catch (error) {
    failed.abort(error);
    if (dependency.required || context.signal.aborted) throw error;
    progress.warn(`optional dependency ${dependency.service} is not there: ${messageOf(error)}`);
  } finally {
    holds.delete(hold);
  }
}
