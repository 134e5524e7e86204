import { DockerExit } from "../usage-error.ts";

/** "linux/arm64/v8" as API 1.48 takes it in a query; undefined where none is asked for. @throws DockerExit in the docker CLI's words */
export function platformQuery(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part)))
    throw new DockerExit(1, `invalid platform: ${JSON.stringify(text)}: cannot parse platform specifier: invalid argument`);
  const [first = "", second, variant] = parts;
  const name = (word: string) => ({ x86_64: "amd64", aarch64: "arm64", armhf: "arm" })[word] ?? word;
  const [os, architecture] = second === undefined ? (oses.has(first) ? [first, ""] : ["linux", first]) : [first, second];
  return JSON.stringify({ architecture: name(architecture) || machine(), os, ...(variant ? { variant } : {}) });
}

const oses = new Set(["linux", "windows", "darwin", "freebsd"]);
const machine = (): string => ({ x64: "amd64", ia32: "386" })[process.arch as string] ?? process.arch;
