import { BerthError } from "../../system/index.ts";
import { flag } from "../http/query-values.ts";
import type { ExporterEntry, SolveRequest } from "./wire.ts";

/**
 * The parameters of `POST /build?version=2` as a Solve (builder/builder-next of moby): how clients from before the buildx plugin, and libraries,
 * ask for a BuildKit build. `uploaded`: the context comes with a request, not from the session.
 * @throws BerthError api/bad-parameter
 */
export function solveOfQuery(query: URLSearchParams, ref: string): { request: SolveRequest; uploaded: boolean } {
  const remote = query.get("remote") ?? "";
  const uploaded = remote === "" || remote === "upload-request";
  const attrs: Record<string, string> = {
    "image-resolve-mode": flag(query, "pull") ? "pull" : "default",
    ...given("target", query.get("target")),
    ...given("filename", query.get("dockerfile") === "." ? "" : query.get("dockerfile")),
    ...given("context", uploaded || remote === "client-session" ? "" : remote),
    ...given("platform", query.get("platform")),
    ...given("force-network-mode", query.get("networkmode") === "default" ? "" : query.get("networkmode")),
    ...given("add-hosts", hosts(query)),
    ...given("shm-size", query.get("shmsize") === "0" ? "" : query.get("shmsize")),
    ...given("ulimit", list(query, "ulimits").map(ulimit).join(",")),
    ...(flag(query, "nocache") ? { "no-cache": "" } : {}),
    ...prefixed("build-arg:", object(query, "buildargs")),
    ...prefixed("label:", object(query, "labels")),
  };
  const [output] = list(query, "outputs") as { Type: string; Attrs?: Record<string, string> }[]; // fields are checked where they are used
  const exporter: ExporterEntry = { Type: output?.Type ?? "moby", Attrs: output?.Attrs ?? {} };
  const names = query.getAll("t").filter(Boolean).join(",");
  const named =
    ["moby", "image"].includes(exporter.Type) && names !== "" ? { ...exporter, Attrs: { ...exporter.Attrs, name: names } } : exporter;
  return {
    uploaded,
    request: {
      Ref: ref,
      Definition: null,
      ExporterDeprecated: "",
      ExporterAttrsDeprecated: {},
      Session: query.get("session") ?? "",
      Frontend: "dockerfile.v0",
      FrontendAttrs: attrs,
      FrontendInputs: {},
      Cache: {
        Exports: [],
        Imports: (list(query, "cachefrom") as string[]).map((text) => ({ Type: "registry", Attrs: { ref: String(text) } })),
      },
      Entitlements: [],
      Internal: false,
      // "cacheonly" asks for no output at all.
      Exporters: exporter.Type === "cacheonly" ? [] : [named],
    },
  };
}

function given(name: string, value: string | null): Record<string, string> {
  return value ? { [name]: value } : {};
}

function prefixed(prefix: string, values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[`${prefix}${name}`, String(value)]])),
  );
}

function hosts(query: URLSearchParams): string {
  const all = query
    .getAll("extrahosts")
    .flatMap((text) => (text.startsWith("[") ? (parsed("extrahosts", text) as string[]) : text.split(",")));
  return all
    .filter(Boolean)
    .map((text) => text.replace(/^([^:=]+)[:=]/, "$1="))
    .join(",");
}

function ulimit(value: unknown): string {
  const { Name, Soft, Hard } = value as { Name?: string; Soft?: number; Hard?: number }; // checked as text by the front end
  return `${Name}=${Soft}:${Hard}`;
}

function list(query: URLSearchParams, name: string): unknown[] {
  const value = parsed(name, query.get(name) || "[]");
  if (value === null) return [];
  if (!Array.isArray(value)) throw new BerthError("api/bad-parameter", `${name} has to be a JSON array`);
  return value;
}

function object(query: URLSearchParams, name: string): Record<string, unknown> {
  const value = parsed(name, query.get(name) || "{}");
  if (typeof value !== "object" || Array.isArray(value)) throw new BerthError("api/bad-parameter", `${name} has to be a JSON object`);
  return { ...value };
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BerthError("api/bad-parameter", `${name} is not JSON: ${text}`, { cause: error });
  }
}
