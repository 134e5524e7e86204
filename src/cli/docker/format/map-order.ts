/** The fields of Docker's objects that are maps: their keys are the user's. */
const maps = new Set(
  "Annotations Config Containers DriverOpts DriverOptions ExposedPorts Labels Networks Options PortBindings Ports StorageOpt Sysctls Tmpfs Volumes".split(
    " ",
  ),
);

/**
 * An object of the engine as Docker's client shows it: it reads it into its types and writes it anew, which sorts the keys of maps. The fields of the
 * types keep the engine's order.
 */
export function inGoOrder(value: unknown, field = ""): unknown {
  if (Array.isArray(value)) return value.map((one) => inGoOrder(one));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  // A container's Config is no map, the one of its log's driver is.
  const isMap = maps.has(field) && !(field === "Config" && "Image" in value) && !("Cmd" in value);
  if (isMap) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, inGoOrder(one, key)]));
}
