import { driftPlan } from "./drift.ts";
import type { ProjectContext } from "./project-context.ts";
import type { ProjectRecord } from "./project-record.ts";
import { bringUp } from "./up.ts";
import type { Holds } from "./wait-for-dependency.ts";

/** What came up once and is not there any more is made again; what is there is not touched. */
export async function repairDrift(context: ProjectContext, record: ProjectRecord, holds: Holds): Promise<void> {
  const settled = new Set(Object.entries(record.services).flatMap(([name, entry]) => (entry.settled && entry.start ? [name] : [])));
  await bringUp({
    context,
    record,
    selection: { direct: settled, all: settled },
    options: { recreate: "never" },
    holds,
    configs: new Map(),
    only: driftPlan,
  });
}
