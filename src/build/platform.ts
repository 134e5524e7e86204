/** As in an image's configuration. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** What this machine runs. */
export function nativePlatform(nodeArch: string = process.arch): Platform {
  const architecture = { x64: "amd64", ia32: "386" }[nodeArch] ?? nodeArch;
  return { os: "linux", architecture, ...(nodeArch === "arm" ? { variant: "v7" } : {}) };
}

/** "linux/arm64/v8", "arm64", "linux", "local", with what may be left out (containerd platforms.Parse). @throws Error */
export function parsePlatform(text: string): Platform {
  if (text === "local") return nativePlatform();
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part)))
    throw new Error(`failed to parse platform ${text}: ${JSON.stringify(text)} is an invalid OS/architecture pair`);
  if (parts.length === 1 && parts[0] === "linux") return nativePlatform();
  const [os = "", name = "", written] = parts.length === 1 ? ["linux", ...parts] : parts;
  const architecture = { x86_64: "amd64", aarch64: "arm64", armhf: "arm", i386: "386" }[name] ?? name;
  if (parts.length === 1 && !architectures.includes(architecture))
    throw new Error(
      `failed to parse platform ${text}: ${JSON.stringify(text)}: unknown operating system or architecture: invalid argument`,
    );
  // The baseline that every machine of the architecture has goes without saying.
  const baseline = { amd64: "v1", arm64: "v8" }[architecture];
  const variant = written === baseline ? undefined : (written ?? (architecture === "arm" ? "v7" : undefined));
  return { os, architecture, ...(variant ? { variant } : {}) };
}

const architectures = ["386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"];

export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter(Boolean).join("/");
}

/** The TARGET... and BUILD... arguments of a build for one platform, by default this machine's. */
export function describePlatform(target: Platform = nativePlatform(), build: Platform = nativePlatform()): [string, string][] {
  return Object.entries({ TARGET: target, BUILD: build }).flatMap(([prefix, platform]): [string, string][] => [
    [`${prefix}PLATFORM`, platformText(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ""],
  ]);
}
