import type { ImageConfig } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

/** At most a system, an architecture and its variant. @throws BerthError api/bad-parameter */
export function checkPlatformText(text: string): void {
  const parts = text.split("/");
  if (parts.length > 3 || !parts.every((part) => /^[\w.-]+$/.test(part)))
    throw new BerthError("api/bad-parameter", `"${text}": cannot parse platform specifier: invalid argument`);
}

const architectures = ["386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x"];
const systems = ["linux", "windows", "darwin", "freebsd"];

/** The platform of an image that comes from outside (import). @throws BerthError api/bad-parameter */
export function checkImportPlatform(text: string): void {
  checkPlatformText(text);
  const parts = text.toLowerCase().split("/");
  const [first = ""] = parts;
  if (parts.length === 1 && ![...systems, ...architectures, "x86_64", "aarch64"].includes(first))
    throw new BerthError("api/bad-parameter", `"${text}": unknown operating system or architecture: invalid argument`);
  if (systems.includes(first) ? first !== "linux" : parts.length > 1)
    throw new BerthError("api/bad-parameter", "operating system is not supported");
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
