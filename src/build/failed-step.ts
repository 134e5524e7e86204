import type { Session } from "./session.ts";
import { imageConfigOf, type StageState, withLayer } from "./stage-state.ts";

/** Makes an untagged image of what a failed step left, so that it can be entered; `image prune` takes it away. Resolves to its short id. */
export async function keepFailedStep(
  session: Session,
  state: StageState,
  upperDir: string,
  place: { file: string; line: number },
): Promise<string> {
  const parentChainId = state.layers.at(-1)?.chainId;
  // The build's own signal may be what ended it: keeping has its own, short deadline.
  const layer = await session.images.commitLayer({
    ...(parentChainId ? { parentChainId } : {}),
    upperDir,
    signal: AbortSignal.timeout(60_000),
  });
  const failed = withLayer(
    state,
    layer,
    session.images.layerDir(layer.chainId),
    `failed step ${place.file}:${place.line}`,
    new Date().toISOString(),
  );
  const { Entrypoint: _, Cmd: __, ...config } = failed.config;
  const id = session.images.createImage({
    config: imageConfigOf(
      { ...failed, config: { ...config, Cmd: ["/bin/sh"] } },
      { "dev.berth.failed-step": `${place.file}:${place.line}` },
      undefined,
    ),
  });
  return id.replace(/^sha256:/, "").slice(0, 12);
}
