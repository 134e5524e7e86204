import { refreshMs } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { familiarName } from "./reference.ts";
import type { PullOptions } from "./registry-options.ts";
import { pull } from "./registry-pull.ts";
import type { ImageStore } from "./store.ts";

export interface PulledImage {
  readonly id: string;
  /** Whether a registry was asked. */
  readonly pulled: boolean;
}

/**
 * An image as a Compose `pull_policy` wants it (compose-spec 05-services.md, pull_policy): `always`, `missing` (also `if_not_present`), `never`,
 * `daily`, `weekly`, `every_<duration>` of weeks, days, hours, minutes and seconds. Default: `always`. `build` is the caller's business.
 * @throws BerthError `image/not-found` for `never` without the image, `image/unsupported` for an unknown policy, and what `pull` throws
 */
export async function pullImage(store: ImageStore, ref: string, o: PullOptions & { readonly policy?: string }): Promise<PulledImage> {
  const { policy = "always", ...options } = o;
  const maxAgeMs = pullAgeMs(policy);
  const here = store.resolve(ref);
  if (here && Date.now() - store.pulledMs(here.id) < maxAgeMs) return { id: here.id, pulled: false };
  if (policy === "never")
    throw new BerthError("image/not-found", `No such image: ${familiarName(ref)}`, {
      hint: "Its pull policy is never: load, build or pull it by hand.",
    });
  return { id: await pull(store, ref, options), pulled: true };
}

/** How old an image that is here may be before it is asked for again: Infinity for what never is. */
export function pullAgeMs(policy: string): number {
  if (["missing", "if_not_present", "never", "build"].includes(policy)) return Number.POSITIVE_INFINITY;
  if (policy === "always" || policy === "refresh") return 0;
  const ms = refreshMs(policy);
  if (ms === undefined) throw new BerthError("image/unsupported", `"${policy}" is not a pull policy`);
  return ms;
}
