import type { Container, ContainerCreateBody, DockerEvent, Network, Volume } from "../../src/api/index.ts";
import { type Backend, definitionHash, type ProjectRecord, type ProjectStore, type SourceNotes } from "../../src/scheduler/index.ts";
import { BerthError } from "../../src/system/index.ts";

/** What a killed engine looks like from inside: nothing works any more. */
export class Crash extends Error {}

/**
 * An engine without a kernel: containers, networks and volumes as Docker's objects in memory, with the rules that the scheduler relies on (names are unique, a
 * network that is in use stays, a start is an event). Each change may be the last one before a crash.
 */
export class ModelBackend implements Backend {
  readonly world: { containers: Map<string, Container>; networks: Map<string, Network>; volumes: Map<string, Volume> };
  /** What was done, in order: "create p-web-1". */
  readonly log: string[] = [];
  crashAfter = Number.POSITIVE_INFINITY;
  failsToStart: ReadonlySet<string> = new Set();
  readonly #listeners = new Set<(event: DockerEvent) => void>();
  static #clock = 1_700_000_000_000;
  static #ids = 0;

  constructor(world: ModelBackend["world"] = { containers: new Map(), networks: new Map(), volumes: new Map() }) {
    this.world = world;
  }

  readonly containers: Backend["containers"] = {
    list: () => [...this.world.containers.values()],
    find: (ref) => this.world.containers.get(ref) ?? [...this.world.containers.values()].find((one) => one.Name === `/${ref}`),
    create: (name, body) => {
      this.#change(`create ${name}`);
      if (this.containers.find(name)) throw new BerthError("container/name-taken", `the name ${name} is taken`);
      const container = modelContainer(`${(++ModelBackend.#ids).toString(16).padStart(64, "0")}`, name, body, this.nowMs());
      for (const network of Object.keys(container.NetworkSettings.Networks))
        if (!this.world.networks.has(network)) throw new BerthError("network/not-found", `network ${network} not found`);
      this.world.containers.set(container.Id, container);
      return { Id: container.Id };
    },
    startMany: async (ids) => {
      const failures: { id: string; error: unknown }[] = [];
      for (const id of ids) {
        const container = this.#get(id);
        if (container.State.Running) continue;
        this.#change(`start ${container.Name.slice(1)}`);
        await turn();
        if (this.failsToStart.has(container.Config.Labels?.["com.docker.compose.service"] ?? "")) {
          failures.push({ id, error: new BerthError("runtime/command-not-found", "no such command") });
          continue;
        }
        this.#set(container, { Status: "running", Running: true, StartedAt: new Date(this.nowMs()).toISOString() });
        this.#tell(container, "start");
        void this.#live(container);
      }
      return failures;
    },
    stop: async (ref) => {
      const container = this.#get(ref);
      if (!container.State.Running) return;
      this.#change(`stop ${container.Name.slice(1)}`);
      await turn();
      this.#set(container, { Status: "exited", Running: false, ExitCode: 0 });
      for (const action of ["kill", "die", "stop"]) this.#tell(container, action, action === "kill" ? { signal: "15" } : {});
    },
    tellRestart: (ref) => this.#tell(this.#get(ref), "restart"),
    kill: (ref) => this.containers.stop(ref, {}) as Promise<void>,
    pause: async () => {},
    unpause: async () => {},
    rename: (ref, name) => {
      this.#change(`rename ${this.#get(ref).Name.slice(1)} ${name}`);
      if (this.containers.find(name)) throw new BerthError("container/name-taken", `the name ${name} is taken`);
      this.#get(ref).Name = `/${name}`;
    },
    remove: async (ref) => {
      const container = this.#get(ref);
      this.#change(`remove ${container.Name.slice(1)}`);
      await turn();
      this.world.containers.delete(container.Id);
      this.#tell(container, "destroy");
    },
    beforeStart: () => {},
    connect: async () => {},
    disconnect: async (ref, network) => {
      const { [network]: _, ...rest } = this.#get(ref).NetworkSettings.Networks;
      this.#get(ref).NetworkSettings.Networks = rest;
    },
  };
  readonly networks: Backend["networks"] = {
    list: () => [...this.world.networks.values()],
    create: (body) => {
      this.#change(`create network ${body.Name}`);
      if (this.world.networks.has(body.Name)) throw new BerthError("network/exists", `network ${body.Name} exists`);
      const network = { Name: body.Name, Id: body.Name, Labels: body.Labels ?? {}, Internal: body.Internal === true } as Network; // what the scheduler looks at
      this.world.networks.set(body.Name, network);
      return network;
    },
    remove: async (ref) => {
      this.#change(`remove network ${ref}`);
      if (this.containers.list().some((one) => one.State.Running && one.NetworkSettings.Networks[ref]))
        throw new BerthError("network/in-use", `network ${ref} has active endpoints`);
      this.world.networks.delete(ref);
    },
  };
  readonly volumes: Backend["volumes"] = {
    list: () => [...this.world.volumes.values()],
    create: (name, body) => {
      this.#change(`create volume ${name}`);
      const volume = { Name: name, Labels: body.Labels ?? {} } as Volume; // what the scheduler looks at
      this.world.volumes.set(name, volume);
      return volume;
    },
    remove: async (name) => {
      this.#change(`remove volume ${name}`);
      this.world.volumes.delete(name);
    },
    usersOf: () => 0,
  };
  readonly images: Backend["images"] = {
    resolve: (ref) => ({ id: `sha256:${ref}`, config: { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } } }),
    labelled: () => [],
    pulledMs: () => undefined,
    pull: async () => {},
    push: async () => {},
    build: async () => {},
    remove: () => {},
  };
  readonly events: Backend["events"] = {
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return { stop: () => this.#listeners.delete(listener) };
    },
  };
  readonly files: Backend["files"] = {
    sync: async () => {
      throw new BerthError("container/not-running", "a model's containers have no files");
    },
    patterns: () => {
      throw new BerthError("system/internal", "a model watches nothing");
    },
    dockerIgnore: () => [],
  };
  readonly runHook: Backend["runHook"] = async () => ({ exitCode: 0, output: "" });
  readonly writeFile: Backend["writeFile"] = (project, { name }) => `/files/${project}/${name}`;
  readonly tail: Backend["tail"] = async () => [];
  readonly apiSocket = "/run/engine.sock";
  readonly configHash: Backend["configHash"] = ({ scale: _scale, depends_on: _dependsOn, ...rest }) => definitionHash(rest);
  readonly networkHash: Backend["networkHash"] = (network) => definitionHash(network);
  readonly volumeHash: Backend["volumeHash"] = (volume) => definitionHash(volume);
  readonly nowMs = (): number => ModelBackend.#clock++;

  /** What a started container does by itself: becomes healthy, or ends where its command is "once". */
  async #live(container: Container): Promise<void> {
    await turn();
    if (!container.State.Running) return;
    if (container.Config.Cmd?.[0] === "once") {
      this.#set(container, { Status: "exited", Running: false, ExitCode: 0 });
      this.#tell(container, "die");
    } else if (container.Config.Healthcheck) {
      this.#set(container, { Health: { Status: "healthy", FailingStreak: 0, Log: [] } });
      this.#tell(container, "health_status: healthy");
    }
  }

  #change(what: string): void {
    if (this.log.length >= this.crashAfter) throw new Crash("the engine was killed");
    this.log.push(what);
  }
  #get(ref: string): Container {
    const found = this.containers.find(ref);
    if (!found) throw new BerthError("container/not-found", `No such container: ${ref}`);
    return found;
  }
  #set(container: Container, state: Partial<Container["State"]>): void {
    container.State = { ...container.State, ...state };
  }
  #tell(container: Container, action: string, more: Record<string, string> = {}): void {
    if (this.log.length > this.crashAfter) return;
    const event = {
      Type: "container" as const,
      Action: action,
      Actor: { ID: container.Id, Attributes: { ...container.Config.Labels, ...more } },
    };
    for (const listener of [...this.#listeners]) listener({ ...event, scope: "local", time: 0, timeNano: 0 });
  }
}

/** Records as they are read back: nothing is shared with who wrote them. */
export class ModelStore implements ProjectStore {
  readonly records = new Map<string, string>();
  get(name: string): ProjectRecord | undefined {
    const text = this.records.get(name);
    return text === undefined ? undefined : (JSON.parse(text) as ProjectRecord); // written by put
  }
  put(name: string, record: ProjectRecord): void {
    this.records.set(name, JSON.stringify(record));
  }
  delete(name: string): void {
    this.records.delete(name);
  }
  sourceNotes(): SourceNotes {
    return { read: () => [], begin: () => {}, add: () => {} };
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function modelContainer(id: string, name: string, body: ContainerCreateBody, nowMs: number): Container {
  const { HostConfig = {}, NetworkingConfig, ...config } = body;
  return {
    Id: id,
    Created: new Date(nowMs).toISOString(),
    Name: `/${name}`,
    Image: `sha256:${body.Image}`,
    State: {
      Status: "created",
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 0,
      ExitCode: 0,
      Error: "",
      StartedAt: "0001-01-01T00:00:00Z",
      FinishedAt: "",
    },
    HostConfig,
    Config: config,
    Mounts: [],
    NetworkSettings: { SandboxID: "", SandboxKey: "", Ports: {}, Networks: { ...NetworkingConfig?.EndpointsConfig } },
  } as unknown as Container; // the parts that the scheduler looks at
}
