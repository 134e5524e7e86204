import type { DependencyCondition } from "../api/index.ts";

/** What a project's file asks for, as far as the order and the choice of actions need it. Times are milliseconds since 1970. */
export interface Desired {
  readonly project: string;
  /** When this state was asked for: a container that was started (or, with `recreate: "always"`, created) before it has not yet had its turn. */
  readonly requestedMs: number;
  readonly networks: readonly DesiredResource[];
  readonly volumes: readonly DesiredResource[];
  readonly services: readonly DesiredService[];
  /** Containers of services that the file no longer has are removed. */
  readonly removeOrphans: boolean;
  /** Services that ran when this was asked for and whose end was waited for since: they have had their turn. */
  readonly completed?: ReadonlySet<string>;
  /** Every service name of the file, also of those that this request leaves alone: their containers are no orphans. */
  readonly known: readonly string[];
}

export interface DesiredResource {
  readonly name: string;
  readonly external: boolean;
  /** Differs when the definition differs; what exists with another one is made again (networks) or warned about (volumes). */
  readonly hash: string;
}

export interface DesiredService {
  readonly name: string;
  readonly replicas: number;
  readonly configHash: string;
  /** The service's definition, to say what changed. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The image's id; undefined while it has to be built or pulled. */
  readonly imageId: string | undefined;
  /** Why the image has to be built or pulled first; undefined when nothing is to be done. */
  readonly image?: { readonly action: "build" | "pull"; readonly because: string };
  readonly dependsOn: readonly Dependency[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  /** Services whose containers it is tied to (their namespaces, their volumes): when they are made again, so is it. */
  readonly shares?: readonly string[];
  readonly recreate: "changed" | "always" | "never";
  /** False: containers are made and left alone (`create`, or a service that the user stopped). */
  readonly start: boolean;
}

export interface Dependency {
  readonly service: string;
  readonly condition: DependencyCondition;
  readonly restart: boolean;
  readonly required: boolean;
}

/** What there is. */
export interface Observed {
  /** By name, with the hash that it was made with ("" where it was made by somebody else). */
  readonly networks: ReadonlyMap<string, string>;
  readonly volumes: ReadonlyMap<string, string>;
  readonly containers: readonly ObservedContainer[];
  /** Definitions of services by their hash, as far as they are still known. */
  readonly configs: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly number: number;
  readonly oneOff: boolean;
  readonly configHash: string;
  readonly imageId: string;
  readonly status: "created" | "running" | "paused" | "restarting" | "exited" | "dead" | "removing";
  readonly exitCode: number;
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  readonly createdMs: number;
  /** 0: never. */
  readonly startedMs: number;
  /** From its labels: what it was made to depend on. */
  readonly dependsOn: readonly string[];
  readonly networks: readonly string[];
  /** A container that it is tied to (its namespace, its volumes) is no longer there. */
  readonly isTornOff?: boolean;
}

/** Running, or about to run again by its restart policy. */
export function isUp(container: ObservedContainer): boolean {
  return ["running", "paused", "restarting"].includes(container.status);
}

/** Whether a dependency's containers are as the condition asks. */
export function satisfies(containers: readonly ObservedContainer[], condition: DependencyCondition): boolean {
  if (containers.length === 0) return false;
  switch (condition) {
    case "service_completed_successfully":
      return containers.every((container) => container.status === "exited" && container.exitCode === 0);
    case "service_healthy":
      return containers.every((container) => container.status === "running" && container.health === "healthy");
    case "service_started":
      return containers.every((container) => isUp(container) || (container.status === "exited" && container.startedMs > 0));
  }
}
