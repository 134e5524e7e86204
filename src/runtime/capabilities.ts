/** Docker's (moby profiles: oci/caps, DefaultCapabilities). */
const defaultCapabilities =
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE".split(" ");

/** The capabilities of a container: Docker's default set, changed by cap_add and cap_drop, never more than this host's bounding set. */
export function effectiveCapabilities(
  add: readonly string[],
  drop: readonly string[],
  privileged: boolean,
  bounding: readonly string[],
): string[] {
  const name = (text: string) => text.toUpperCase().replace(/^CAP_/, "");
  const [added, dropped] = [add.map(name), drop.map(name)];
  const base = privileged || added.includes("ALL") ? bounding : dropped.includes("ALL") ? [] : defaultCapabilities;
  const set = new Set([...base, ...added.filter((cap) => cap !== "ALL")]);
  if (!privileged) for (const cap of dropped) if (!added.includes(cap)) set.delete(cap);
  return bounding.filter((cap) => set.has(cap));
}
