import type { BuildImages } from "../../../build/index.ts";
import { canonicalName, type ImagePacking, parseReference, type RegistryAuth } from "../../../image/index.ts";
import type { Exporter } from "./exporter.ts";
import { withPacking } from "./image-packing.ts";

/** Sends an image of the store to the registry of its name. */
export type PushAs = (
  name: string,
  o: { auth: RegistryAuth | undefined; signal: AbortSignal; packing: ImagePacking },
) => Promise<{ digest: string }>;

/**
 * `moby` and `image`: an image of this engine, with the names that `name` lists, which goes to the registries of its names where `push` says so.
 */
export function imageExporter(o: { images: BuildImages; push: PushAs; created: (id: string) => void; directory: string }): Exporter {
  return async ({ config }, { attrs, progress, signal, credentials }) => {
    const names = namesOf(attrs["name"]);
    const shown = names.map((name, index) => (isTagged(attrs["name"]?.split(",")[index]) ? name : name.replace(/:latest$/, "")));
    const pushing = ["1", "t", "true"].includes((attrs["push"] ?? "").toLowerCase());
    const vertex = progress.declare("exporting to image");
    return await progress.run(vertex, async () => {
      const done = (id: string) => progress.transfer(vertex, { id, current: 0, total: 0, done: true });
      done("exporting layers");
      const id = o.images.createImage({ config, tags: names });
      o.created(id);
      done(`writing image ${id}`);
      for (const name of shown) done(`naming to ${name}`);
      // What was pushed is known by its manifest, what is here by its configuration.
      const digest = await withPacking(attrs, { directory: o.directory, signal }, async (packing) => {
        let last = id;
        for (const name of pushing ? names : []) {
          last = (await o.push(name, { auth: await credentials(parseReference(name).domain), signal, packing })).digest;
          done(`pushing ${name}`);
        }
        return last;
      });
      return {
        "containerimage.config.digest": id,
        "containerimage.digest": digest,
        ...(names.length > 0 ? { "image.name": shown.join(",") } : {}),
      };
    });
  };
}

const isTagged = (name: string | undefined): boolean => /:[^/]*$/.test(name ?? "");

/** Names in full, as BuildKit shows them. */
export function namesOf(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .filter((name) => name !== "")
    .map((name) => canonicalName(parseReference(name)));
}
