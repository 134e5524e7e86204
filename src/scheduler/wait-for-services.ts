import { BerthError } from "../system/index.ts";
import { waitFor } from "./conditions.ts";
import { dependenciesOf } from "./dependencies.ts";
import { failedAction } from "./failed-action.ts";
import { containerStep, containersOf, type ProjectContext } from "./project-context.ts";
import type { DesiredEntry } from "./project-record.ts";

/**
 * `--wait`: until the containers of these services are running or healthy; those that others wait for to complete have to complete. The first that cannot
 * get there ends the waiting.
 * @throws BerthError scheduler/dependency-failed, scheduler/wait-timeout
 */
export async function waitForServices(
  context: ProjectContext,
  names: Iterable<string>,
  entries: Readonly<Record<string, DesiredEntry>>,
  timeoutMs: number | undefined,
): Promise<void> {
  const { backend, progress } = context;
  const over = new AbortController();
  const tooLate = () =>
    over.abort(new BerthError("scheduler/wait-timeout", `not all services were running or healthy within ${(timeoutMs ?? 0) / 1000} s`));
  const timer = timeoutMs === undefined ? undefined : setTimeout(tooLate, timeoutMs);
  const signal = AbortSignal.any([context.signal, over.signal]);
  const completing = new Set(
    Object.values(entries).flatMap(({ definition }) =>
      dependenciesOf(definition).flatMap(({ service, condition }) => (condition === "service_completed_successfully" ? [service] : [])),
    ),
  );
  const waitForOne = async (service: string, container: ReturnType<typeof containersOf>[number]) => {
    const id = containerStep(container);
    progress.begin(id, "waiting");
    try {
      await waitFor(backend, container.Id, completing.has(service) ? "service_completed_successfully" : "running_or_healthy", signal);
      progress.done(id, completing.has(service) ? "exited" : "healthy");
    } catch (error) {
      if (signal.aborted) throw error;
      const named = failedAction(service, "is not up", error);
      progress.failed(id, named);
      over.abort(named);
      throw named;
    }
  };
  try {
    await Promise.all([...names].flatMap((service) => containersOf(context, service).map((container) => waitForOne(service, container))));
  } finally {
    clearTimeout(timer);
  }
}
