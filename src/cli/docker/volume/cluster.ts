import { ramBytes } from "../bytes.ts";
import { command } from "../command.ts";
import type { Flags } from "../flags.ts";
import { DockerExit } from "../usage-error.ts";

/** The flags of `volume create` that make a volume of a swarm; help does not show them outside of one. */
export const hiddenClusterFlags = `
  --availability string  (swarm)
  --group string  (swarm)
  --limit-bytes bytes  (swarm)
  --required-bytes bytes  (swarm)
  --scope string  (swarm)
  --secret map...  (swarm)
  --sharing string  (swarm)
  --topology-preferred list...  (swarm)
  --topology-required list...  (swarm)
  --type string  (swarm)
`;

const names = [
  "availability",
  "group",
  "limit-bytes",
  "required-bytes",
  "scope",
  "secret",
  "sharing",
  "topology-preferred",
  "topology-required",
  "type",
];

/** What these flags ask for; the engine, which is in no swarm, refuses it by name. */
export function clusterSpec(flags: Flags): object | undefined {
  if (!names.some((name) => flags.given(name))) return undefined;
  const bytes = (name: string) => (flags.given(name) ? ramBytes(flags.text(name) ?? "", `--${name}`) : 0);
  return {
    Group: flags.text("group") ?? "",
    AccessMode: { Scope: flags.text("scope") ?? "single", Sharing: flags.text("sharing") ?? "none" },
    CapacityRange: { RequiredBytes: bytes("required-bytes"), LimitBytes: bytes("limit-bytes") },
    Availability: flags.text("availability") ?? "active",
  };
}

export const update = command({
  usage: "[OPTIONS] VOLUME",
  about: "Update a volume (cluster volumes only)",
  flags: '--availability string  Cluster Volume availability ("active", "pause", "drain") (default "active")',
  arity: [1, 1],
  run: async ({ engine, args: [name = ""] }) => {
    await engine.json("GET", `/volumes/${encodeURIComponent(name)}`);
    throw new DockerExit(1, "can only update cluster volumes");
  },
});
