import type { Project, ProjectEvent } from "../../api/index.ts";
import { definitionHash } from "../definition-hash.ts";
import { nameOf, serviceOf } from "../labels.ts";
import type { Backend } from "../ports.ts";
import type { Tell } from "../progress.ts";
import { projectContainers } from "../project-context.ts";
import { ProjectWatch, type WatchPort } from "./project-watch.ts";
import type { SourceNotes } from "./source-notes.ts";
import { serviceRules } from "./watch-facts.ts";

export interface WatchRequest {
  readonly project: Project;
  /** All that have rules where none is named. */
  readonly services: readonly string[];
  /** It goes on after an engine that ended. */
  readonly isResumed?: boolean;
}

/** What a controller gives its watch: the work that has to take its turn with other work on the project. */
export interface WatchWork {
  restart(service: string): Promise<void>;
  rebuild(services: readonly string[], tell: Tell): Promise<void>;
}

/**
 * The watch of one project: on, with the rules of the project that it was asked for with, or off. Keeps who listens. Invariant: one set of rules at a time; to
 * switch it on with other rules replaces them.
 */
export class ControlledWatch {
  readonly #o: { readonly name: string; readonly backend: Backend; readonly notes: SourceNotes; readonly work: WatchWork };
  readonly #listeners = new Set<Tell>();
  #watch: ProjectWatch | undefined;
  #last: string | undefined;
  /** Of the services that are watched, as they are defined. */
  #key = "";

  constructor(o: { name: string; backend: Backend; notes: SourceNotes; work: WatchWork }) {
    this.#o = o;
  }

  get isOn(): boolean {
    return this.#watch !== undefined;
  }
  get status(): { on: boolean; last?: string } | undefined {
    const last = this.#watch?.last ?? this.#last;
    if (!this.isOn && last === undefined) return undefined;
    return { on: this.isOn, ...(last === undefined ? {} : { last }) };
  }

  /** Settles when every change from then on is seen. What is wrong with a rule is told, and the others are watched. */
  async switchOn(request: WatchRequest, tell: Tell): Promise<void> {
    const { backend } = this.#o;
    const { services } = request.project;
    const wanted = Object.values(services).filter(
      (service) => service.develop?.watch.length && (request.services.length === 0 || request.services.includes(service.name)),
    );
    const key = definitionHash(wanted);
    if (this.isOn && key === this.#key) return;
    // What changes between one set of rules and the next is seen by the next.
    const gapMs = this.isOn ? backend.nowMs() : undefined;
    await this.switchOff();
    this.#key = key;
    const checked = wanted.map((service) => serviceRules(service, backend.files));
    for (const message of checked.flatMap(({ problems }) => problems)) tell({ type: "warning", message });
    const rules = checked.flatMap((one) => one.rules);
    if (rules.length === 0) {
      tell({ type: "warning", message: "nothing is watched: no service has a rule in develop.watch that can be" });
      return;
    }
    const sinceMs = request.isResumed ? this.#oldestMs(new Set(rules.map((rule) => rule.service))) : gapMs;
    const watch = new ProjectWatch({
      rules,
      port: this.#port(),
      notes: this.#o.notes,
      clock: { nowMs: () => performance.now(), after: (ms, call) => cancelled(setTimeout(call, ms)) },
      tell: (service, message) => this.#tell({ type: "watch", service, message }),
      warn: (message) => this.#tell({ type: "warning", message }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
    });
    this.#watch = watch;
    const told = this.listen(tell);
    try {
      await watch.start();
    } finally {
      told();
    }
    for (const service of watch.services) tell({ type: "watch", service, message: "watching" });
  }

  async switchOff(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    this.#last = watch?.last ?? this.#last;
    await watch?.close();
  }

  /** Answers how to stop listening. */
  listen(tell: Tell): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /** A container of the project is about to start. */
  async starting(container: Parameters<typeof serviceOf>[0] & { readonly Id: string; readonly Name: string }): Promise<void> {
    await this.#watch?.starting(serviceOf(container), { id: container.Id, name: nameOf(container) });
  }

  #port(): WatchPort {
    const { backend, name, work } = this.#o;
    return {
      running: (service) =>
        projectContainers({ backend, name })
          .filter((container) => serviceOf(container) === service && container.State.Running && !container.State.Restarting)
          .map((container) => ({ id: container.Id, name: nameOf(container) })),
      sync: (id, sync) => backend.files.sync(id, sync),
      exec: (id, hook) => backend.runHook(id, hook),
      restart: (service) => work.restart(service),
      rebuild: (services) => work.rebuild(services, (event) => this.#tell(event)),
    };
  }

  /** When the oldest container of these services was made: what changed before is in its image. */
  #oldestMs(services: ReadonlySet<string>): number {
    const { backend, name } = this.#o;
    const made = projectContainers({ backend, name }).filter((container) => services.has(serviceOf(container)));
    return Math.min(backend.nowMs(), ...made.map((container) => Date.parse(container.Created)));
  }

  #tell(event: ProjectEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function cancelled(timer: NodeJS.Timeout): () => void {
  return () => clearTimeout(timer);
}
