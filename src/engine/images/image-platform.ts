import { type ImageStore, parsePlatform, platformText, type StoredImage } from "../../image/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import { jsonFault } from "../http/json-body.ts";

/**
 * The image of a name, where it is of the platform that the request names (`?platform=`: JSON since API 1.48, text before).
 * @throws BerthError image/not-found
 */
export function imageOfPlatform(images: ImageStore, name: string, asked: string | null): StoredImage {
  const image = images.get(name);
  const wanted = platformOf(asked);
  if (wanted === undefined || fits(image, wanted)) return image;
  throw new BerthError(
    "image/not-found",
    `image with reference ${name} was found but its platform (${platformText(own(image))}) does not match the specified platform (${wanted})`,
  );
}

/** @throws BerthError image/not-found: one of these images is not of that platform */
export function checkExportPlatform(images: ImageStore, names: readonly string[], asked: string | null): void {
  const wanted = platformOf(asked);
  if (wanted === undefined) return;
  for (const name of names) {
    const image = images.resolve(name);
    if (image && !fits(image, wanted)) throw new BerthError("image/not-found", `no suitable export target found for platform ${wanted}`);
  }
}

/** Whether an image is of the platform that a request names; true where it names none. */
export function isOfPlatform(image: StoredImage, asked: string | null): boolean {
  const wanted = platformOf(asked);
  return wanted === undefined || fits(image, wanted);
}

function fits(image: StoredImage, wanted: string): boolean {
  const have = own(image);
  return wanted === platformText(have) || wanted === platformText({ os: have.os, architecture: have.architecture });
}

function own({ config }: StoredImage) {
  const variant = (config as { variant?: string }).variant; // image-spec config.md; arm has one
  return { os: config.os, architecture: config.architecture, ...(variant ? { variant } : {}) };
}

/** "linux/arm64/v8" of either form. @throws BerthError api/bad-parameter */
function platformOf(text: string | null): string | undefined {
  if (!text) return undefined;
  if (/^\w+\/\w/.test(text)) return platformText(parsePlatform(text, ""));
  let given: { os?: string; architecture?: string; variant?: string } | null;
  try {
    given = JSON.parse(text) as typeof given; // its fields are looked at below
  } catch (error) {
    throw new BerthError("api/bad-parameter", `failed to parse platform: ${jsonFault(messageOf(error), text)}`);
  }
  const { os, architecture, variant } = given ?? {};
  if (!os || !architecture) throw new BerthError("api/bad-parameter", "both OS and Architecture must be provided");
  return platformText({ os, architecture, ...(variant ? { variant } : {}) });
}
