import type { Container, DockerEvent } from "../../api/index.ts";
import { type EngineClient, EngineError, jsonLines } from "../client/index.ts";
import { containerLogLines } from "../container-lines.ts";
import { type ContainerRow, composeLabel, projectContainers, serviceOf, shortName, withoutProject } from "../project-containers.ts";
import type { LogOutput } from "./log-output.ts";

export interface ContainerEnd {
  readonly name: string;
  readonly service: string;
  readonly exitCode: number;
  /** Its restart policy starts it again. */
  readonly restarting: boolean;
}

/**
 * Shows the output of a project's containers from each start on, and tells of each end, after the last line of its output. What runs already is
 * added with `followRunning`. Starts and ends come from the engine's events: nothing is missed that happens after `open`.
 */
export class ContainerFollowers {
  readonly #client: EngineClient;
  readonly #project: string;
  readonly #attached: ReadonlySet<string>;
  readonly #services: ReadonlySet<string>;
  readonly #output: LogOutput;
  readonly #timestamps: boolean;
  readonly #over = new AbortController();
  readonly #following = new Map<string, Following>();
  readonly #onStart: () => Promise<void>;
  readonly #onEnd: (end: ContainerEnd) => Promise<void>;
  readonly #openedMs = Date.now();
  #loop: Promise<void> = Promise.resolve();

  constructor(o: {
    readonly client: EngineClient;
    readonly project: string;
    /** Whose output is shown. */
    readonly attached: readonly string[];
    /** Whose ends are told. */
    readonly services: readonly string[];
    readonly output: LogOutput;
    readonly timestamps: boolean;
    /** Before the first output. */
    readonly onStart: () => Promise<void>;
    readonly onEnd: (end: ContainerEnd) => Promise<void>;
  }) {
    this.#client = o.client;
    this.#project = o.project;
    this.#attached = new Set(o.attached);
    this.#services = new Set(o.services);
    this.#output = o.output;
    this.#timestamps = o.timestamps;
    this.#onStart = o.onStart;
    this.#onEnd = o.onEnd;
  }

  /** From now on every start is seen. */
  async open(): Promise<void> {
    const label = [`${composeLabel("project")}=${this.#project}`, `${composeLabel("oneoff")}=False`];
    const filters = JSON.stringify({ type: ["container"], event: ["start", "die"], label });
    const { body } = await this.#client.request("GET", "/events", { query: { filters }, signal: this.#over.signal });
    this.#loop = this.#read(jsonLines<DockerEvent>(body as AsyncIterable<Buffer>)); // a response without an encoding yields buffers
    this.#loop.catch(() => {}); // close() looks at it
  }

  /** Those that run and are not followed yet: what they print from the opening on. */
  async followRunning(): Promise<void> {
    for (const row of await this.#rows())
      if (isUp(row) && !this.#following.has(row.Id)) this.#follow(row.Id, serviceOf(row), shortName(row, this.#project), this.#openedMs);
  }

  /** Whether none of the services has a container that runs, or is about to run again. */
  async isAllOver(): Promise<boolean> {
    return !(await this.#rows()).some(isUp);
  }

  /** Waits until the end of everything that has ended is told. */
  async drain(): Promise<void> {
    const up = new Set((await this.#rows()).filter(isUp).map((row) => row.Id));
    const ended = [...this.#following].filter(([id]) => !up.has(id)).map(([, following]) => following.told);
    const patience = new Promise((resolve) => setTimeout(resolve, 2000).unref());
    await Promise.race([Promise.all(ended), patience]);
  }

  /** Stops following. */
  async close(): Promise<void> {
    this.#over.abort();
    await Promise.allSettled([this.#loop, ...[...this.#following.values()].map((one) => one.shown)]);
  }

  async #rows(): Promise<ContainerRow[]> {
    const rows = await projectContainers(this.#client, {
      project: this.#project,
      all: true,
      oneOff: false,
      services: [],
      signal: this.#over.signal,
    });
    return rows.filter((row) => this.#services.has(serviceOf(row)));
  }

  async #read(events: AsyncIterable<DockerEvent>): Promise<void> {
    for await (const event of events) {
      const { ID: id, Attributes: attributes } = event.Actor;
      const service = attributes[composeLabel("service")] ?? "";
      if (!this.#services.has(service)) continue;
      const name = attributes["name"] ?? id;
      const short = withoutProject(name, this.#project);
      const eventMs = event.timeNano / 1e6;
      const known = this.#following.get(id);
      if (event.Action === "start") {
        await this.#onStart();
        if (this.#following.has(id) && this.#following.get(id)?.run.endedMs === undefined) continue; // seen as running before its event came
        // From the end before on: what it printed at once was printed before the engine told of its start.
        this.#follow(id, service, short, known?.run.endedMs ?? this.#openedMs);
      } else if (known && known.run.endedMs === undefined) {
        known.run.endedMs = eventMs + 1;
        this.#tellEnd(id, known, { name: short, service, exitCode: Number(attributes["exitCode"] ?? 0) }).then(known.tell, known.fail);
      }
    }
  }

  #follow(id: string, service: string, name: string, sinceMs: number): void {
    // The end of the run before is told first.
    const before = this.#following.get(id)?.told.catch(() => {}) ?? Promise.resolve();
    const run: { endedMs?: number } = {};
    const shown = before.then(() => (this.#attached.has(service) ? this.#show(id, name, sinceMs, run) : undefined));
    shown.catch(() => {}); // A container that is removed while it is read has no more to say.
    let [tell, fail]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
    const told = new Promise<void>((resolve, reject) => {
      [tell, fail] = [resolve, reject];
    });
    told.catch(() => {}); // drain() awaits it
    this.#following.set(id, { name, run, shown, told, tell, fail });
  }

  /** One run's output. A container that is started again at once has one log for all of its runs: what is newer than this run's end is the next one's. */
  async #show(id: string, name: string, sinceMs: number, run: { readonly endedMs?: number }): Promise<void> {
    const query = { follow: true, timestamps: true, since: String(sinceMs / 1000) };
    for await (const { stream, line } of containerLogLines(this.#client, id, query, this.#over.signal)) {
      const at = line.indexOf(" ");
      if (run.endedMs !== undefined && Date.parse(line.slice(0, at)) > run.endedMs) return;
      await this.#output.line(name, this.#timestamps ? line : line.slice(at + 1), stream);
    }
  }

  async #tellEnd(id: string, following: Following, end: Omit<ContainerEnd, "restarting">): Promise<void> {
    await following.shown.catch(() => {});
    await this.#onEnd({ ...end, restarting: await this.#runsAgain(id, following.run.endedMs ?? 0) });
  }

  /** Also where the next run has ended meanwhile. */
  async #runsAgain(id: string, endedMs: number): Promise<boolean> {
    try {
      const { State: state } = await this.#client.json<Container>("GET", `/containers/${id}/json`, { signal: this.#over.signal });
      return state.Running || state.Restarting || Date.parse(state.StartedAt) > endedMs;
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return false; // removed
      throw error;
    }
  }
}

/** One run of one container. */
interface Following {
  readonly name: string;
  /** Settles with the last line of its output. */
  readonly shown: Promise<void>;
  /** Settles when its end was told. */
  readonly told: Promise<void>;
  readonly tell: () => void;
  readonly fail: (error: unknown) => void;
  readonly run: { endedMs?: number };
}

const isUp = (row: ContainerRow): boolean => ["running", "paused", "restarting"].includes(row.State);
