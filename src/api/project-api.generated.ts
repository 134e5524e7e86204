// Made by scripts/generate-api.mjs from docs/openapi.yaml: change that one.
import type { Project, Service, ServicePort, ServiceVolume } from "./project.ts";
import type { Place } from "../system/error.ts";
import type { DockerEvent } from "./docker.ts";

export type ProjectEvent =
  | {
      type: "plan";
      text: string;
      steps: {
        id: string;
        action: string;
        because: string;
      }[];
    }
  | StepEvent
  | {
      type: "build";
      service: string;
      event: BuildEvent;
    }
  | {
      type: "warning";
      message: string;
      place?: Place;
    }
  | {
      type: "watch";
      service: string;
      message: string;
    }
  | {
      type: "result";
      ok: boolean;
      error?: WireError;
      containerId?: string;
    };
/**
 * A line of GET /projects/{name}/events.
 */
export type ProjectStreamEvent =
  | ProjectEvent
  | {
      type: "container";
      event: DockerEvent;
    };
/**
 * Progress of an image build, in the terms of BuildKit's Status stream.
 */
export type BuildEvent =
  | {
      type: "vertex";
      id: string;
      name: string;
      inputs: string[];
      startedMs?: number;
      completedMs?: number;
      cached?: boolean;
      error?: string;
    }
  | {
      type: "log";
      vertex: string;
      stream: 1 | 2;
      text: string;
      timeMs: number;
    }
  | {
      type: "progress";
      vertex: string;
      id: string;
      current: number;
      total: number;
      done: boolean;
    }
  | {
      type: "warning";
      rule?: string;
      message: string;
      place?: Place;
      url?: string;
    };

/**
 * Our extension of the Docker API. PUT /projects/{name}: the desired state; the answer is a stream of ProjectEvent, one JSON object a line, that ends with `result`.
 */
export interface ProjectPut {
  project: Project;
  options: UpOptions;
}
export interface UpOptions {
  /**
   * Only these services (and what they depend on, unless noDeps). Empty: all.
   */
  services?: string[];
  noDeps?: boolean;
  /**
   * Create and stop there (`berth create`).
   */
  noStart?: boolean;
  recreate?: "changed" | "always" | "never";
  alwaysRecreateDeps?: boolean;
  renewAnonVolumes?: boolean;
  build?: "missing" | "always" | "never";
  pull?: "always" | "missing" | "never" | "policy" | "build";
  scale?: {
    [k: string]: number;
  };
  removeOrphans?: boolean;
  /**
   * Wait until all are running or healthy before `result`.
   */
  wait?: boolean;
  waitTimeoutMs?: number;
  /**
   * Stop grace for recreation, overriding the services' own.
   */
  timeoutMs?: number;
  dryRun?: boolean;
  watch?: boolean;
  /**
   * How many actions, builds and pulls at a time; -1: no limit.
   */
  parallel?: number;
  /**
   * For pulls and for builds' bases; see ProjectTransfer.
   */
  auth?: ProjectTransfer["auth"];
}
/**
 * DELETE /projects/{name} body (and POST /projects/{name}/cancel, without one, cuts off what is on its way: status 204). The answer streams ProjectEvents.
 */
export interface DownOptions {
  volumes?: boolean;
  images?: "all" | "local";
  removeOrphans?: boolean;
  timeoutMs?: number;
  /**
   * Only these services.
   */
  services?: string[];
  dryRun?: boolean;
  /**
   * What the caller read from its files: lets `down` remove what this engine has no desired state for.
   */
  project?: Project;
}
/**
 * POST /projects/{name}/{start|stop|restart|kill|pause|unpause|rm}. The answer streams ProjectEvents.
 */
export interface ProjectAction {
  services?: string[];
  timeoutMs?: number;
  signal?: string;
  noDeps?: boolean;
  /**
   * rm: stop first; remove anonymous volumes.
   */
  stop?: boolean;
  volumes?: boolean;
  /**
   * kill: containers of services that the file no longer has, too.
   */
  removeOrphans?: boolean;
  /**
   * start: until all are running or healthy.
   */
  wait?: boolean;
  waitTimeoutMs?: number;
  project?: Project;
}
/**
 * POST /projects/{name}/run: creates (does not start) a one-off container; the answer streams ProjectEvents, `result.containerId` names it.
 */
export interface RunRequest {
  project: Project;
  service: string;
  command?: string[];
  entrypoint?: string[];
  environment?: {
    [k: string]: string | null;
  };
  labels?: {
    [k: string]: string;
  };
  name?: string;
  user?: string;
  workingDir?: string;
  /**
   * Compose port objects are made by the CLI from -p.
   */
  ports?: ServicePort[];
  volumes?: ServiceVolume[];
  servicePorts?: boolean;
  useAliases?: boolean;
  noDeps?: boolean;
  tty?: boolean;
  interactive?: boolean;
  remove?: boolean;
  capAdd?: string[];
  capDrop?: string[];
  build?: boolean;
  pull?: UpOptions["pull"];
  removeOrphans?: boolean;
  parallel?: number;
  auth?: ProjectTransfer["auth"];
}
/**
 * POST /projects/{name}/build
 */
export interface ProjectBuild {
  project: Project;
  services?: string[];
  noCache?: boolean;
  pull?: boolean;
  args?: {
    [k: string]: string | null;
  };
  withDependencies?: boolean;
  /**
   * Only what the builder warns about; nothing is built.
   */
  check?: boolean;
  parallel?: number;
  auth?: ProjectTransfer["auth"];
}
/**
 * POST /projects/{name}/pull and /push
 */
export interface ProjectTransfer {
  project: Project;
  services?: string[];
  includeDeps?: boolean;
  ignoreBuildable?: boolean;
  ignoreFailures?: boolean;
  policy?: "missing" | "always";
  /**
   * Registry host -> X-Registry-Auth object.
   */
  auth?: Record<string, Record<string, string>>;
  parallel?: number;
}
/**
 * GET /projects/{name}/definition: what this engine keeps the project at; services that were not asked for are not in it.
 */
export interface ProjectDefinition {
  project: Project;
  services: {
    [k: string]: {
      definition: Service;
      replicas: number;
      start: boolean;
      settled: boolean;
    };
  };
}
/**
 * POST /projects/{name}/watch: switches watching on or off. GET streams what it does, as ProjectEvents, until the caller goes away.
 */
export interface ProjectWatchRequest {
  on: boolean;
  /**
   * Whose `develop.watch` counts; absent: as it was sent last.
   */
  project?: Project;
  /**
   * Empty: all that have rules.
   */
  services?: string[];
}
/**
 * POST /projects/{name}/snapshots copies named volumes, POST .../snapshots/restore puts a copy back (the newest where none is named); both stream ProjectEvents.
 */
export interface SnapshotRequest {
  name?: string;
  /**
   * Of the file or of the engine; empty: all named volumes of the project.
   */
  volumes?: string[];
}
/**
 * GET /projects/{name}/snapshots
 */
export interface VolumeSnapshot {
  readonly name: string;
  readonly project: string;
  readonly createdAt: string;
  readonly volumes: readonly {readonly name: string; readonly labels: Readonly<Record<string, string>>}[];
}
export interface WireError {
  code: string;
  message: string;
  place?: Place;
  hint?: string;
}
/**
 * The body of an answer that is an error. Programs decide on `code` (src/system/error-codes.ts).
 */
export interface ErrorAnswer {
  message: string;
  code?: string;
  hint?: string;
  place?: Place;
}
/**
 * What is told of one resource while a project changes; `id` ("Container shop-web-1") is stable, so a terminal rewrites its line.
 */
export interface StepEvent {
  type: "step";
  id: string;
  /**
   * Lower case progress word: creating, created, starting, started, waiting, healthy, stopping, stopped, removing, removed, building, built, pulling, pulled, recreating, recreated, skipped, error...
   */
  status: string;
  done: boolean;
  /**
   * Why the step is in the plan ("environment changed").
   */
  because?: string;
  /**
   * Human detail: an error, a progress text.
   */
  detail?: string;
  error?: WireError;
  timeMs: number;
}
/**
 * GET /projects and GET /projects/{name}
 */
export interface ProjectStatus {
  name: string;
  workingDir: string;
  configFiles: string[];
  desired: boolean;
  /**
   * What the controller is doing or waiting for.
   */
  state: "settled" | "working" | "waiting" | "failed" | "stopped";
  holds: {
    on: string;
    waitsFor: string;
  }[];
  lastError?: WireError;
  watch?: {
    on: boolean;
    last?: string;
  };
}
