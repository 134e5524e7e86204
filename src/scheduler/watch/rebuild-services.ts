import type { Plan } from "../action.ts";
import { prepareImages } from "../prepare-images.ts";
import type { ProjectContext } from "../project-context.ts";
import type { ProjectRecord } from "../project-record.ts";
import { bringUp } from "../up.ts";
import type { Holds } from "../wait-for-dependency.ts";
import type { WorkQueue } from "../work-queue.ts";
import { onlyRebuilt } from "./only-rebuilt.ts";

/** Builds these services anew and makes their containers again. The build takes no turn: what else is asked for meanwhile is done meanwhile. */
export async function rebuildServices(
  names: readonly string[],
  o: {
    readonly record: () => ProjectRecord | undefined;
    readonly queue: WorkQueue;
    readonly holds: Holds;
    readonly context: (signal: AbortSignal, record: ProjectRecord) => ProjectContext;
  },
): Promise<void> {
  const before = o.record();
  if (!before) return;
  const built = new Set(names.filter((name) => before.services[name]?.definition.build));
  const needs = new Map([...built].map((name) => [name, { action: "build" as const, because: "its source changed" }]));
  await o.queue.aside(built, async (aborted) => {
    const { backend, progress, signal } = o.context(aborted, before);
    await prepareImages({ backend, project: before.project, progress, signal }, needs);
  });
  await o.queue.add(async (turn) => {
    const record = o.record();
    if (!record) return;
    const selection = { direct: built, all: new Set(Object.keys(record.services)) };
    const options = { build: "never" as const, recreate: "changed" as const };
    const only = (plan: Plan): Plan => onlyRebuilt(plan, built);
    await bringUp({ context: o.context(turn, record), record, selection, options, holds: o.holds, configs: new Map(), only });
  });
}
