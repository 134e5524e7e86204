import { BerthError } from "../system/index.ts";
import type { StoredImage } from "./image-record.ts";

/**
 * Docker's rules for `rmi`, in its words. `user`: "running <container>" or "<container>" that needs the image.
 * @throws BerthError `image/in-use`
 */
export function checkRemovable(image: StoredImage, ref: string, o: { byName: boolean; user: string | undefined; force: boolean }): void {
  const short = image.id.slice(7, 19);
  const refuse = (text: string): never => {
    throw new BerthError("image/in-use", `conflict: unable to ${text}`);
  };
  // Two names in one repository are "multiple repositories" to it as well.
  if (!o.byName && image.repoTags.length > 1 && !o.force)
    refuse(`delete ${short} (must be forced) - image is referenced in multiple repositories`);
  if (o.user === undefined) return;
  const running = o.user.startsWith("running ");
  const container = o.user.split(" ").at(-1);
  if (o.byName && !o.force)
    refuse(`remove repository reference "${ref}" (must force) - container ${container} is using its referenced image ${short}`);
  if (!o.byName && running) refuse(`delete ${short} (cannot be forced) - image is being used by running container ${container}`);
  if (!o.byName && !o.force) refuse(`delete ${short} (must be forced) - image is being used by stopped container ${container}`);
}
