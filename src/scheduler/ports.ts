import type {
  BuildDefinition,
  BuildEvent,
  Container,
  ContainerCreateBody,
  DockerEvent,
  EndpointSettings,
  ImageConfig,
  Network,
  NetworkCreateBody,
  NetworkDefinition,
  Service,
  ServiceHook,
  Volume,
  VolumeCreateBody,
  VolumeDefinition,
} from "../api/index.ts";
import type { ServiceFile } from "./service-files.ts";
import type { SyncResult } from "./watch/project-watch.ts";
import type { ServiceSync } from "./watch/watch-plan.ts";
import type { PathPatterns } from "./watch/watched-rule.ts";

/** What the scheduler needs of containers. Ids and names are both taken for `ref`. */
export interface ContainersPort {
  list(): readonly Container[];
  find(ref: string): Container | undefined;
  create(name: string, body: ContainerCreateBody): { Id: string };
  /** Starts these together; answers those that could not be started. Each start is also told as an event. */
  startMany(ids: readonly string[]): Promise<{ id: string; error: unknown }[]>;
  stop(ref: string, o: { graceS?: number; signal?: string }): Promise<unknown>;
  kill(ref: string, signal: string): Promise<void>;
  /** Tells, as an event, that somebody asked for its stop and start together. */
  tellRestart(ref: string): void;
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  rename(ref: string, name: string): void;
  remove(ref: string, o: { force: boolean; volumes: boolean }): Promise<void>;
  connect(ref: string, network: string, settings: EndpointSettings): Promise<void>;
  disconnect(ref: string, network: string): Promise<void>;
  /** Every container that is about to start: its root is there and its process waits until `prepare` has settled. A failure is not the start's. */
  beforeStart(prepare: (container: Container) => Promise<void>): void;
}

/** Files of a watched project and of its containers. */
export interface FilesPort {
  /** Makes paths in a container whose process is there the same as they are here by now. */
  sync(containerId: string, sync: ServiceSync & { readonly ifDifferent: boolean }): Promise<SyncResult>;
  /** Compiled patterns of .dockerignore's language. */
  patterns(lines: readonly string[]): PathPatterns;
  /** The lines of the .dockerignore of a build whose context is a directory. */
  dockerIgnore(build: BuildDefinition): readonly string[];
}

export interface NetworksPort {
  list(): readonly Network[];
  create(body: NetworkCreateBody): Network;
  remove(ref: string): Promise<unknown>;
}

export interface VolumesPort {
  list(): readonly Volume[];
  create(name: string, body: VolumeCreateBody): Volume;
  remove(name: string): Promise<void>;
  usersOf(name: string): number;
}

export interface SchedulerImage {
  readonly id: string;
  readonly config: ImageConfig;
}

export interface ImagesPort {
  resolve(ref: string): SchedulerImage | undefined;
  /** Of those that carry this label with this value, the first name that each has, and all its labels. */
  labelled(name: string, value: string): { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
  /** When it was last pulled, in ms; undefined where that is not known. */
  pulledMs(ref: string): number | undefined;
  pull(ref: string, o: TransferOptions & { platform?: string }): Promise<void>;
  push(ref: string, o: TransferOptions): Promise<void>;
  build(o: ImageBuild): Promise<void>;
  /** Takes the name away, and the image with its last one. @throws BerthError image/not-found, image/in-use */
  remove(ref: string): void;
}

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly auth?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  onProgress(text: string): void;
}

export interface ImageBuild {
  readonly name: string;
  readonly definition: BuildDefinition;
  /** The project's own. */
  readonly directory: string;
  readonly tags: readonly string[];
  readonly platform?: string;
  /** A secret of the project by its name. */
  secretValue(source: string): Buffer;
  serviceImage(service: string): string;
  /** Credentials for the registries of its bases. */
  readonly auth?: TransferOptions["auth"];
  /** Only what the builder warns about. */
  readonly check?: boolean;
  readonly signal: AbortSignal;
  onEvent(event: BuildEvent): void;
}

export interface EventsPort {
  subscribe(listener: (event: DockerEvent) => void): { stop(): void };
}

/** One more process in a running container, to its end. `output` is the last of what it printed. */
export type RunHook = (containerId: string, hook: ServiceHook) => Promise<{ exitCode: number; output: string }>;

/** Writes a config or secret, with its owner and mode, and answers where it is. Idempotent by the file's name. */
export type WriteFile = (project: string, file: Extract<ServiceFile, { kind: "write" }>) => string;

/** Everything the scheduler acts on and hears of. The engine implements it; tests have a model of it. */
export interface Backend {
  readonly containers: ContainersPort;
  readonly networks: NetworksPort;
  readonly volumes: VolumesPort;
  readonly images: ImagesPort;
  readonly events: EventsPort;
  readonly files: FilesPort;
  readonly runHook: RunHook;
  readonly writeFile: WriteFile;
  /** The last lines that a container wrote. */
  tail(containerId: string, lines: number): Promise<readonly string[]>;
  /** Compose's hashes, by which what exists is known to be of its definition. */
  configHash(service: Service): string;
  networkHash(network: NetworkDefinition): string;
  volumeHash(volume: VolumeDefinition): string;
  readonly apiSocket: string;
  nowMs(): number;
}
