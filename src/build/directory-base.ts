import { layerStep } from "./cached-step.ts";
import type { ContextTree } from "./context/context-tree.ts";
import { contentDigest } from "./filesystem/content-digest.ts";
import { copySelected } from "./filesystem/copy-tree.ts";
import { WritableRoot } from "./filesystem/writable-root.ts";
import type { Session } from "./session.ts";
import { type StageState, scratchState, stepKey } from "./stage-state.ts";

/** The base of `FROM name` where an additional context of that name is a directory: its files are the file system. */
export async function directoryBase(session: Session, name: string, tree: ContextTree, useCache: boolean): Promise<StageState> {
  const selected = [{ entry: tree.entry("")!, name: "", parents: "" }];
  const { digests, signal, globals, progress, epochIso } = session;
  const content = await contentDigest(tree, selected, { exclude: [], ignoreModes: false, digests, signal });
  const state = scratchState({ os: "linux", architecture: globals.get("TARGETARCH") ?? "amd64" });
  const plan = { key: stepKey(["context", content, epochIso ?? ""]), createdBy: `FROM ${name} # directory`, useCache };
  return await layerStep(session, progress.declare(`[context ${name}] load from client`), state, plan, async ({ upperDir }) => {
    await copySelected(new WritableRoot([], upperDir), tree, selected, "/", { exclude: [], signal });
  });
}
