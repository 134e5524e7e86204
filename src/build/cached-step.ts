import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CacheRecord } from "./cache/build-cache.ts";
import type { TakeOutput } from "./cache/steps-in-flight.ts";
import { clampTimes } from "./filesystem/clamp-times.ts";
import type { Vertex } from "./progress.ts";
import type { Session } from "./session.ts";
import { type StageState, withLayer } from "./stage-state.ts";

export interface StepPlan {
  readonly key: string;
  readonly createdBy: string;
  readonly useCache: boolean;
}

export type MakeLayer = (o: { upperDir: string; workDir: string; signal: AbortSignal; onOutput: TakeOutput }) => Promise<void>;

type StepRecord = Omit<CacheRecord, "lastUsedMs" | "uses">;

/** One step that makes a layer: taken from the cache, from another build that is doing it now, or done. On failure nothing stays. */
export async function layerStep(session: Session, vertex: Vertex, state: StageState, plan: StepPlan, make: MakeLayer): Promise<StageState> {
  const { cache, images, imported, inFlight, progress, used } = session;
  const parent = state.layers.at(-1)?.chainId;
  const found = plan.useCache ? (cache.find(plan.key) ?? imported.find(plan.key, parent, plan.createdBy)) : undefined;
  // What the step stands on may so far be known by name only.
  if (!found) await imported.ensure(state.layers);
  return await progress.run(vertex, async (step) => {
    if (found) step.cached();
    session.steps.looked(vertex.id, found !== undefined);
    const record =
      found ??
      (await inFlight.join(plan.key, { signal: session.signal, onOutput: step.log }, (shared) =>
        makeRecord(session, state, plan, make, shared),
      ));
    const { key, definitions = [], chainId, diffId, createdIso } = record;
    used.add({ key, definitions, parent, chainId, diffId, createdIso });
    return withLayer(state, record, images.layerDir(record.chainId), plan.createdBy, session.epochIso ?? record.createdIso);
  });
}

async function makeRecord(
  session: Session,
  state: StageState,
  plan: StepPlan,
  make: MakeLayer,
  o: { signal: AbortSignal; onOutput: TakeOutput },
): Promise<StepRecord> {
  const { images, cache } = session;
  const temporary = mkdtempSync(join(images.tempDir(), "build-"));
  try {
    const [upperDir, workDir] = [join(temporary, "u"), join(temporary, "w")];
    mkdirSync(upperDir, { mode: 0o755 });
    mkdirSync(workDir);
    await make({ upperDir, workDir, ...o });
    o.signal.throwIfAborted();
    if (session.epochIso !== undefined) await clampTimes(upperDir, Date.parse(session.epochIso), o.signal);
    const parentChainId = state.layers.at(-1)?.chainId;
    const layer = await images.commitLayer({ ...(parentChainId ? { parentChainId } : {}), upperDir, signal: o.signal });
    return cache.store(
      plan.key,
      { chainId: layer.chainId, diffId: layer.diffId, size: layer.size },
      plan.createdBy,
      new Date().toISOString(),
    );
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
