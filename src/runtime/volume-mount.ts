import { existsSync } from "node:fs";
import { BerthError, messageOf, run } from "../system/index.ts";

/** What of a file system of the network has to be installed: mount(8) calls these. */
const helpers: Readonly<Record<string, string>> = { nfs: "nfs-common (nfs-utils)", nfs4: "nfs-common (nfs-utils)", cifs: "cifs-utils" };

/**
 * The arguments of mount(8) for what the options of Docker's local driver name. Docker calls the kernel itself, which takes an NFS server's address as an option and
 * no host in the device (":/export"); mount.nfs(8) wants it there. Pure.
 */
export function mountArguments(options: Readonly<Record<string, string>>, target: string): string[] {
  const { type = "", device = "", o = "" } = options;
  const words = o.split(",").filter(Boolean);
  const isBind = words.includes("bind") || words.includes("rbind") || type === "none";
  const address = words.find((word) => word.startsWith("addr="))?.slice("addr=".length);
  const isNfs = /^nfs4?$/.test(type) && device.startsWith(":") && address !== undefined;
  const host = address?.includes(":") ? `[${address}]` : address;
  const flags = words.filter((word) => word !== "bind" && !(isNfs && word.startsWith("addr=")));
  return [
    ...(isBind ? ["--bind"] : ["-t", type]),
    ...(flags.length ? ["-o", flags.join(",")] : []),
    "--",
    isNfs ? `${host}${device}` : device,
    target,
  ];
}

/** Mounts a volume's device. Spawns mount once. @throws BerthError volume/mount */
export async function mountVolume(name: string, options: Readonly<Record<string, string>>, target: string): Promise<void> {
  try {
    await run("mount", mountArguments(options, target));
  } catch (error) {
    const packages = helpers[options["type"] ?? ""];
    const isMissing = packages !== undefined && !["/sbin", "/usr/sbin"].some((dir) => existsSync(`${dir}/mount.${options["type"]}`));
    throw new BerthError("volume/mount", `volume ${name} cannot be mounted: ${withoutSecrets(messageOf(error))}`, {
      hint: isMissing ? `Install ${packages}.` : "Are its options type, device and o as mount(8) takes them?",
    });
  }
}

const withoutSecrets = (text: string): string => text.replace(/\b(password|pass|passwd)=[^,\s]*/g, "$1=***");
