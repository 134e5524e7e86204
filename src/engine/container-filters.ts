import type { Container } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { Containers } from "./containers.ts";
import { labelsMatch } from "./http.ts";
import type { EngineImage } from "./ports.ts";

type Wanted = ReadonlyMap<string, readonly string[]>;

const statuses = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const booleans = ["true", "false", "1", "0"];
const healths = ["none", "starting", "healthy", "unhealthy"];

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
 * @throws BerthError api/bad-parameter for a value that means nothing, container/not-found for `before` and `since`
 */
export function containerFilter(
  wanted: Wanted,
  containers: Containers,
  image: (ref: string) => EngineImage | undefined,
): (record: ContainerRecord) => boolean {
  for (const [key, allowed] of [
    ["status", statuses],
    ["health", healths],
    ["is-task", booleans],
  ] as const)
    for (const value of wanted.get(key) ?? [])
      if (!allowed.includes(value))
        throw new BerthError(
          "api/bad-parameter",
          `invalid filter '${key}=${value}': invalid value for ${key === "status" ? "state" : key} (${value}): must be one of ${allowed.join(", ")}`,
        );
  for (const value of wanted.get("exited") ?? [])
    if (!/^-?\d+$/.test(value))
      throw new BerthError("api/bad-parameter", `invalid filter 'exited=${value}': strconv.Atoi: parsing "${value}": invalid syntax`);
  const bounds = (key: "before" | "since") => (wanted.get(key) ?? []).map((ref) => Date.parse(containers.get(ref).Created));
  const [before, since] = [bounds("before"), bounds("since")];
  const names = (wanted.get("name") ?? []).map(pattern);
  const ancestors = (wanted.get("ancestor") ?? []).map((ref) => ({ ref, image: image(ref) }));
  const published = (wanted.get("publish") ?? []).map(portRange);
  const exposed = (wanted.get("expose") ?? []).map(portRange);
  return (record) => {
    const any = (key: string, test: (value: string) => boolean) => !wanted.has(key) || (wanted.get(key) ?? []).some(test);
    const created = Date.parse(record.Created);
    return (
      any("id", (value) => record.Id.startsWith(value)) &&
      (names.length === 0 || names.some((name) => name.test(record.Name) || name.test(record.Name.slice(1)))) &&
      labelsMatch(wanted.get("label"), record.Config.Labels ?? {}) &&
      any("status", (value) => record.State.Status === value) &&
      any("exited", (value) => record.State.Status === "exited" && record.State.ExitCode === Number(value)) &&
      (ancestors.length === 0 || ancestors.some((ancestor) => isFrom(record, ancestor))) &&
      before.every((at) => created < at) &&
      since.every((at) => created > at) &&
      any("volume", (value) => record.Mounts.some(({ Name, Destination, Source }) => [Name, Destination, Source].includes(value))) &&
      any("network", (value) => isOn(record, value)) &&
      any("health", (value) => (record.State.Health?.Status ?? "none") === value) &&
      (published.length === 0 || published.some((range) => publishedPorts(record).some((port) => isIn(port, range)))) &&
      (exposed.length === 0 || exposed.some((range) => exposedPorts(record).some((port) => isIn(port, range)))) &&
      any("is-task", (value) => value === "false" || value === "0") &&
      any("isolation", (value) => value === "default")
    );
  };
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
  return Object.entries(record.NetworkSettings.Networks).some(
    ([name, endpoint]) => name === value || (value !== "" && endpoint.NetworkID?.startsWith(value)),
  );
}

interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly protocol: string;
}

/** "80", "80/udp", "8000-8080/tcp". @throws BerthError api/bad-parameter */
function portRange(text: string): PortRange {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (!match) throw new BerthError("api/bad-parameter", `error while looking up for publish ${text}: it is no port or range of ports`);
  return { first: Number(match[1]), last: Number(match[2] ?? match[1]), protocol: match[3] ?? "tcp" };
}

const isIn = (port: { port: number; protocol: string }, range: PortRange) =>
  port.protocol === range.protocol && port.port >= range.first && port.port <= range.last;

function publishedPorts(record: Container): { port: number; protocol: string }[] {
  return Object.entries({ ...record.HostConfig.PortBindings, ...record.NetworkSettings.Ports }).flatMap(([key, bindings]) => {
    const [, protocol = "tcp"] = key.split("/");
    return (bindings ?? []).map(({ HostPort }) => ({ port: Number(HostPort), protocol }));
  });
}

function exposedPorts(record: Container): { port: number; protocol: string }[] {
  return Object.keys(record.Config.ExposedPorts ?? {}).map((key) => {
    const [port, protocol = "tcp"] = key.split("/");
    return { port: Number(port), protocol };
  });
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    return /(?!)/; // Docker's answer to a broken expression: nothing has that name
  }
}
