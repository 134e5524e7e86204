import { layerStep } from "./cached-step.ts";
import { parseOwner } from "./filesystem/accounts.ts";
import { resolvePath } from "./filesystem/resolve-path.ts";
import { WritableRoot } from "./filesystem/writable-root.ts";
import type { Vertex } from "./progress.ts";
import type { Session } from "./session.ts";
import { type StageState, stepKey, withMetadata } from "./stage-state.ts";

/** WORKDIR: makes the directory where it is missing. Without a vertex it is `/`, which makes no layer. */
export async function workdirStep(
  session: Session,
  vertex: Vertex | undefined,
  state: StageState,
  o: { path: string; useCache: boolean; warn: (message: string) => void },
): Promise<StageState> {
  const { path, useCache } = o;
  const moved = { ...state, config: { ...state.config, WorkingDir: path } };
  const createdBy = `WORKDIR ${path}`;
  if (vertex === undefined) return withMetadata(moved, createdBy, {});
  const key = stepKey(["workdir", state.layers.at(-1)?.chainId ?? "", path, state.config.User ?? "", session.epochIso ?? ""]);
  return await layerStep(session, vertex, moved, { key, createdBy, useCache }, async ({ upperDir }) => {
    const root = new WritableRoot(state.lowerDirs, upperDir);
    const target = resolvePath(root, path);
    if (root.entry(target)?.stat.isDirectory()) return;
    // What has to be made belongs to the USER, its parents too.
    root.makeDirectory(target, { mode: 0o755, owner: parseOwner(state.config.User ?? "", root, o.warn) });
  });
}
