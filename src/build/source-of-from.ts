import type { BaseImages } from "./base-images.ts";
import type { Stage } from "./dockerfile/parse-dockerfile.ts";
import { MergedTree } from "./filesystem/merged-tree.ts";
import type { SourceTree } from "./filesystem/source-tree.ts";
import type { Session } from "./session.ts";
import { stageNamed } from "./stage-graph.ts";
import { type StageState, scratchState } from "./stage-state.ts";

/** What `--from` of COPY and of RUN's mounts means in one stage: a stage before it, an additional context, an image; nothing is the build context. */
export class SourceOfFrom {
  readonly #o: { session: Session; images: BaseImages; stage(index: number): Promise<StageState> };

  constructor(o: { session: Session; images: BaseImages; stage(index: number): Promise<StageState> }) {
    this.#o = o;
  }

  /** `whole`: also what the Dockerfile's text does not name of the build context. */
  async tree(stage: Stage, from: string | undefined, whole: boolean): Promise<SourceTree> {
    const { session } = this.#o;
    const { contexts } = session;
    if (from === undefined) return await contexts.main({ whole });
    const context = contexts.named(from);
    if (context !== undefined) return await context;
    const index = this.#earlierStage(stage, from);
    if (index !== undefined) {
      const state = await this.#o.stage(index);
      await session.imported.ensure(state.layers);
      return this.#finishedTree(state, `the stage ${from}`);
    }
    if (from === "scratch") return this.#finishedTree(scratchState({ os: "linux", architecture: "" }), "scratch");
    const image = await this.#o.images.image(from);
    await session.imported.ensure(image.layers);
    return this.#finishedTree(image, `the image ${from}`);
  }

  /** The id of the topmost layer of what `--from` names: what is in it is known without reading it. */
  async topLayer(stage: Stage, from: string | undefined): Promise<string | undefined> {
    if (from === undefined || this.#o.session.contexts.named(from) !== undefined) return undefined;
    const index = this.#earlierStage(stage, from);
    return index === undefined ? undefined : (await this.#o.stage(index)).layers.at(-1)?.chainId;
  }

  /** @throws Error where only this stage or a later one has the name */
  check(stage: Stage, from: string | undefined): void {
    if (from !== undefined) this.#earlierStage(stage, from);
  }

  #earlierStage(stage: Stage, from: string): number | undefined {
    const { contexts, dockerfile } = this.#o.session;
    if (contexts.imageOf(from) || contexts.layoutOf(from) || contexts.resultOf(from) || contexts.named(from) !== undefined)
      return undefined;
    const index = stageNamed(dockerfile, from, stage.index);
    if (index !== undefined) return index;
    const later = stageNamed(dockerfile, from, dockerfile.stages.length);
    if (from.toLowerCase() === stage.from.alias || later !== undefined)
      throw new Error(
        `circular dependency detected on stage: ${dockerfile.stages[later ?? stage.index]?.from.alias ?? `stage-${later ?? stage.index}`}`,
      );
    if (/^-?\d+$/.test(from)) throw new Error(`invalid stage index ${from}`);
    return undefined;
  }

  /** What has no layer is an empty directory. */
  #finishedTree({ lowerDirs }: StageState, label: string): SourceTree {
    if (lowerDirs.length > 0) return new MergedTree(lowerDirs, label, { finished: true });
    return new MergedTree([this.#o.session.contexts.temporary("empty-")], label);
  }
}
