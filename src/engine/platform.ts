import type { ImageConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/** At most a system, an architecture and its variant. @throws BerthError api/bad-parameter */
export function checkPlatformText(text: string): void {
  const parts = text.split("/");
  if (parts.length > 3 || !parts.every((part) => /^[\w.-]+$/.test(part)))
    throw new BerthError("api/bad-parameter", `"${text}": cannot parse platform specifier: invalid argument`);
}

/** "linux/arm64/v8" against the image's own. In Docker's words: clients pull the other one then. @throws BerthError image/not-found */
export function checkPlatform(ref: string, { os, architecture }: Pick<ImageConfig, "os" | "architecture">, asked: string): void {
  const [wantedOs, wantedArchitecture] = asked.split("/");
  if (wantedOs === os && (wantedArchitecture === undefined || wantedArchitecture === architecture)) return;
  throw new BerthError(
    "image/not-found",
    `image with reference ${ref} was found but its platform (${os}/${architecture}) does not match the specified platform (${asked})`,
  );
}
