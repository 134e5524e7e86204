/** TARGET... and BUILD... arguments of this machine: only its own platform is built. */
export function describePlatform(nodeArch: string = process.arch): [string, string][] {
  const architecture = { x64: "amd64", ia32: "386" }[nodeArch] ?? nodeArch;
  const variant = nodeArch === "arm" ? "v7" : "";
  const platform = ["linux", architecture, variant].filter(Boolean).join("/");
  return ["TARGET", "BUILD"].flatMap((prefix): [string, string][] => [
    [`${prefix}PLATFORM`, platform],
    [`${prefix}OS`, "linux"],
    [`${prefix}ARCH`, architecture],
    [`${prefix}VARIANT`, variant],
  ]);
}
