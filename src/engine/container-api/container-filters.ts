import type { Container } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import { anyOf, type Filters, labelsMatch, nameIs, yesOrNo } from "../http/filters.ts";
import type { EngineImage } from "../ports.ts";

const allowed: readonly (readonly [key: string, word: string, values: readonly string[]])[] = [
  ["status", "state", ["created", "running", "paused", "restarting", "removing", "exited", "dead"]],
  ["health", "health", ["none", "starting", "healthy", "unhealthy"]],
];

/** Keys of the `filters` of GET /containers/json. */
export const containerFilters = [
  "id",
  "name",
  "label",
  "status",
  "exited",
  "ancestor",
  "before",
  "since",
  "volume",
  "network",
  "publish",
  "expose",
  "health",
  "is-task",
  "isolation",
];

/**
 * The test that the filters of a request make. Values of one key are alternatives (but every label must match), keys all have to.
 * @throws BerthError api/bad-parameter and api/unreadable-value for a value that means nothing, container/not-found for `before` and `since`
 */
export function containerFilter(
  wanted: Filters,
  containers: Containers,
  image: (ref: string) => EngineImage | undefined,
): (record: ContainerRecord) => boolean {
  for (const value of wanted.get("exited") ?? [])
    if (!/^[+-]?\d+$/.test(value))
      throw new BerthError("api/bad-parameter", `invalid filter 'exited=${value}': strconv.Atoi: parsing "${value}": invalid syntax`);
  const isTask = yesOrNo(wanted, "is-task");
  for (const [key, word, values] of allowed)
    for (const value of wanted.get(key) ?? [])
      if (!values.includes(value))
        throw new BerthError(
          "api/bad-parameter",
          `invalid filter '${key}=${value}': invalid value for ${word} (${value}): must be one of ${values.join(", ")}`,
        );
  // Of several, the last one counts.
  const bound = (key: "before" | "since") => (wanted.get(key) ?? []).map((ref) => Date.parse(containers.get(ref).Created)).at(-1);
  const [before, since] = [bound("before"), bound("since")];
  const ancestors = (wanted.get("ancestor") ?? []).map((ref) => ({ ref, image: found(image, ref) }));
  const published = (wanted.get("publish") ?? []).map((text) => portRange("publish", text));
  const exposed = (wanted.get("expose") ?? []).map((text) => portRange("expose", text));
  return (record) => {
    const created = Date.parse(record.Created);
    return (
      anyOf(wanted, "id", (value) => record.Id.startsWith(value)) &&
      nameIs(wanted, "name", record.Name, record.Name.slice(1)) &&
      labelsMatch(wanted.get("label"), record.Config.Labels ?? {}) &&
      anyOf(wanted, "status", (value) => record.State.Status === value) &&
      anyOf(wanted, "exited", (value) => record.State.Status === "exited" && record.State.ExitCode === Number(value)) &&
      (ancestors.length === 0 || ancestors.some((ancestor) => isFrom(record, ancestor))) &&
      (before === undefined || created < before) &&
      (since === undefined || created > since) &&
      anyOf(wanted, "volume", (value) =>
        record.Mounts.some(({ Name, Destination, Source }) => Destination === value || (Name || Source) === value),
      ) &&
      anyOf(wanted, "network", (value) => isOn(record, value)) &&
      anyOf(wanted, "health", (value) => (record.State.Health?.Status ?? "none") === value) &&
      (published.length + exposed.length === 0 || hasPort(record, published, exposed)) &&
      isTask !== true
    );
  };
}

/** A name that is none is of no image. */
function found(image: (ref: string) => EngineImage | undefined, ref: string): EngineImage | undefined {
  try {
    return image(ref);
  } catch (error) {
    if (error instanceof BerthError && error.code === "image/bad-reference") return undefined;
    throw error;
  }
}

/** Its own image, by name or id, or one that its image was made from. */
function isFrom(record: ContainerRecord, { ref, image }: { ref: string; image: EngineImage | undefined }): boolean {
  if (record.Config.Image === ref) return true;
  if (!image) return false;
  const { chainIds } = image;
  return (
    image.id === record.Image ||
    (chainIds.length > 0 &&
      chainIds.length < record.Berth.chainIds.length &&
      record.Berth.chainIds[chainIds.length - 1] === chainIds.at(-1))
  );
}

function isOn(record: Container, value: string): boolean {
  const mode = record.HostConfig.NetworkMode;
  if (mode === "host" || mode === "none") return mode === value;
  return Object.entries(record.NetworkSettings.Networks).some(
    ([name, endpoint]) => name === value || (value !== "" && endpoint.NetworkID?.startsWith(value)),
  );
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

/** "80", "80/udp", "8000-8080/tcp". @throws BerthError api/unreadable-value */
function portRange(key: string, text: string): PortRange {
  if (text.includes(":")) throw new BerthError("api/unreadable-value", `filter for '${key}' should not contain ':': ${text}`);
  const [ports = "", protocol = "tcp"] = text.split("/");
  const refuse = (why: string): never => {
    throw new BerthError("api/unreadable-value", `error while looking up for ${key} ${text}: ${why}`);
  };
  if (ports === "") refuse("empty string specified for ports");
  const number = (word: string): number => {
    if (!/^\d+$/.test(word)) refuse(`strconv.ParseUint: parsing "${word}": invalid syntax`);
    if (Number(word) > 65535) refuse(`strconv.ParseUint: parsing "${word}": value out of range`);
    return Number(word);
  };
  const [first = "", last = first] = ports.split(/-(.*)/s);
  const range = { first: number(first), last: number(last), protocol };
  if (range.last < range.first) refuse(`Invalid range specified for the Port: ${ports}`);
  return range;
}

/** Only what a network holds now: a container that does not run has no port. */
function hasPort(record: Container, published: readonly PortRange[], exposed: readonly PortRange[]): boolean {
  const isIn = (port: number, of: string) => (range: PortRange) => of === range.protocol && port >= range.first && port <= range.last;
  return Object.entries(record.NetworkSettings.Ports ?? {}).some(([key, bindings]) => {
    const [port, protocol = "tcp"] = key.split("/");
    return (
      exposed.some(isIn(Number(port), protocol)) ||
      (bindings ?? []).some(({ HostPort }) => published.some(isIn(Number(HostPort), protocol)))
    );
  });
}
