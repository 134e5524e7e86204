import type { EndpointSettings, MountPoint } from "../api/index.ts";
import { BerthError } from "../system/error.ts";
import type { EngineClient } from "./client/index.ts";

/** One row of GET /containers/json. */
export interface ContainerRow {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly Command: string;
  /** Seconds. */
  readonly Created: number;
  readonly Ports: readonly PortRow[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: string;
  readonly Status: string;
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, EndpointSettings>> };
  readonly Mounts: readonly MountPoint[];
  /** Where they were asked for. */
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
}

export interface PortRow {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type?: string;
}

export const composeLabel = (name: string): string => `com.docker.compose.${name}`;
export const nameOf = (row: ContainerRow): string => (row.Names[0] ?? row.Id).replace(/^\//, "");
export const serviceOf = (row: ContainerRow): string => row.Labels[composeLabel("service")] ?? "";
export const numberOf = (row: ContainerRow): number => Number(row.Labels[composeLabel("container-number")] ?? 0);
export const isOneOff = (row: ContainerRow): boolean => row.Labels[composeLabel("oneoff")] === "True";

/** "web-1": the name without its project. */
export function shortName(row: ContainerRow, project: string): string {
  return withoutProject(nameOf(row), project);
}

export function withoutProject(name: string, project: string): string {
  return name.startsWith(`${project}-`) || name.startsWith(`${project}_`) ? name.slice(project.length + 1) : name;
}

export interface ContainerQuery {
  readonly project: string;
  /** Stopped ones too. */
  readonly all: boolean;
  /** Those of `run` too. */
  readonly oneOff: boolean;
  readonly services: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * The containers of a project, sorted by name.
 * @throws BerthError cli/no-such-service for a service that has no container, stopped ones included
 */
export async function projectContainers(client: EngineClient, query: ContainerQuery): Promise<ContainerRow[]> {
  const rows = await client.json<ContainerRow[]>("GET", "/containers/json", {
    query: { all: "1", filters: JSON.stringify({ label: [`${composeLabel("project")}=${query.project}`] }) },
    signal: query.signal,
  });
  const known = new Set(rows.map(serviceOf));
  for (const service of query.services) {
    if (known.has(service)) continue;
    throw new BerthError("cli/no-such-service", `no such service: ${service}`, {
      hint:
        known.size > 0 ? `Project ${query.project} runs ${[...known].sort().join(", ")}.` : `Project ${query.project} has no containers.`,
    });
  }
  return rows
    .filter((row) => query.oneOff || !isOneOff(row))
    .filter((row) => query.all || ["running", "paused", "restarting"].includes(row.State))
    .filter((row) => query.services.length === 0 || query.services.includes(serviceOf(row)))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}
