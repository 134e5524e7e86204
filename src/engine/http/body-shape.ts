import { BerthError } from "../../system/index.ts";

/** Kinds of fields; "words": one word stands for a list of one; "texts": an object of texts. */
export type Kind = "string" | "bool" | "int" | "[]string" | "words" | "[]object" | "texts" | "map" | "object";
export type Shape = Readonly<Record<string, Kind>>;

/**
 * A body whose known fields are of their kinds. Names of fields are the same in any case, as Go reads them (docker-py sends "detachKeys"); what is not known is
 * left as it is, as Docker does. `go`: the name that a Docker engine has for the type; `at`: what it puts before the name of a field.
 * @throws BerthError api/bad-parameter in Go's words
 */
export function shaped(value: unknown, shape: Shape, o: { go: string; at: string }): Record<string, unknown> {
  if (!isObject(value)) throw wrong(value, `value of type ${o.go}`);
  const canonical = new Map(Object.keys(shape).map((key) => [key.toLowerCase(), key]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([given, field]) => {
      const key = canonical.get(given.toLowerCase()) ?? given;
      const kind = shape[key];
      if (kind === undefined) return [[key, field]];
      // null asks for nothing, whatever the field; some of them differ between nothing and empty, and keep it.
      if (field === null) return kind === "words" || kind === "[]string" || kind === "int" ? [[key, null]] : [];
      if (kind === "words" && typeof field === "string") return [[key, [field]]];
      const fault = faultOf(field, kind);
      if (!fault) return [[key, field]];
      if (kind === "words") throw wrong(fault.found, "value of type string");
      throw wrong(
        fault.found,
        `struct field ${o.at}.${key}${fault.at ?? ""} of type ${(fault.at === undefined && structs[key]) || fault.type}`,
      );
    }),
  );
}

/** Go's names of what is more than text and numbers. */
const structs: Readonly<Record<string, string>> = {
  StopTimeout: "int",
  OomScoreAdj: "int",
  ExposedPorts: "nat.PortSet",
  PortBindings: "nat.PortMap",
  HostConfig: "container.HostConfig",
  NetworkingConfig: "network.NetworkingConfig",
  Healthcheck: "container.HealthConfig",
  LogConfig: "container.LogConfig",
  RestartPolicy: "container.RestartPolicy",
  IPAM: "network.IPAM",
  EndpointConfig: "network.EndpointSettings",
};

function faultOf(value: unknown, kind: Kind): { found: unknown; type: string; at?: string } | undefined {
  const list = (isItem: (item: unknown) => boolean, type: string, item: string) => {
    if (!Array.isArray(value)) return { found: value, type };
    const bad = value.findIndex((one) => !isItem(one));
    return bad < 0 ? undefined : { found: value[bad] as unknown, type: item };
  };
  switch (kind) {
    case "string":
      return typeof value === "string" ? undefined : { found: value, type: "string" };
    case "bool":
      return typeof value === "boolean" ? undefined : { found: value, type: "bool" };
    case "int":
      return typeof value === "number" && Number.isInteger(value) ? undefined : { found: value, type: "int64" };
    case "[]string":
    case "words":
      return list((item) => typeof item === "string", "[]string", "string");
    case "[]object":
      return list(isObject, "[]mount.Mount", "mount.Mount");
    case "texts": {
      if (!isObject(value)) return { found: value, type: "map[string]string" };
      const bad = Object.entries(value).find(([, text]) => text !== null && typeof text !== "string");
      return bad ? { found: bad[1], type: "string", at: `.${bad[0]}` } : undefined;
    }
    case "map":
    case "object":
      return isObject(value) ? undefined : { found: value, type: "map[string]string" };
    default:
      return kind satisfies never;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

function wrong(value: unknown, where: string): BerthError {
  const plain = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : value === null ? "null" : typeof value;
  const found = plain === "number" && !Number.isInteger(value) ? `number ${value}` : plain;
  return new BerthError("api/bad-parameter", `invalid JSON: json: cannot unmarshal ${found} into Go ${where}`);
}
