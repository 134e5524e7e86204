import { describePlatform } from "../../build/index.ts";
import { version } from "../daemon/version.ts";

/** This engine as BuildKit's only worker: `hostGateway` is the address of this machine on the default network. */
export function workerRecord(o: { id: string; hostGateway: string }): object {
  const native = describePlatform().find(([name]) => name === "TARGETPLATFORM")?.[1] ?? "";
  const [OS, Architecture, Variant = ""] = native.split("/");
  return {
    ID: o.id,
    Labels: {
      "org.mobyproject.buildkit.worker.moby.host-gateway-ip": o.hostGateway,
      // By this label clients know that caches can be exported and results sent as archives or pushed.
      "org.mobyproject.buildkit.worker.snapshotter": "overlayfs",
    },
    platforms: [{ OS, Architecture, Variant }],
    GCPolicy: [
      { all: false, keepDuration: 48 * 3600e9, filters: ["type==source.local"] },
      { all: true, maxUsedSpace: 20 * 1024 ** 3 },
    ],
    BuildkitVersion: buildkitVersion,
  };
}

export const buildkitVersion = { package: "berth", version: `v${version}`, revision: "" };
