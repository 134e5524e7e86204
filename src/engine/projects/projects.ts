import type { ProjectDefinition, ProjectEvent, ProjectStatus, ProjectStreamEvent } from "../../api/index.ts";
import { type Backend, label, ProjectController } from "../../scheduler/index.ts";
import { BerthError } from "../../system/index.ts";
import type { Logger } from "../ports.ts";
import { ProjectAudiences } from "./project-audiences.ts";
import type { StoredProjects } from "./project-store.ts";

/** All projects of this engine: those with a desired state, and those that only containers tell of. Owns their controllers. */
export class Projects {
  readonly backend: Backend;
  readonly #store: StoredProjects;
  readonly #log: Logger;
  readonly #audiences = new ProjectAudiences();
  readonly #controllers = new Map<string, ProjectController>();
  readonly #subscription: { stop(): void };

  constructor(o: { backend: Backend; store: StoredProjects; log: Logger }) {
    this.backend = o.backend;
    this.#store = o.store;
    this.#log = o.log;
    o.backend.containers.beforeStart(async (container) => {
      const name = container.Config.Labels?.[label.project];
      const isOneOff = container.Config.Labels?.[label.oneOff]?.toLowerCase() === "true";
      if (name !== undefined && !isOneOff) await this.#controllers.get(name)?.starting(container);
    });
    this.#subscription = o.backend.events.subscribe((event) => {
      const name = event.Type === "container" ? event.Actor.Attributes[label.project] : undefined;
      // Only what was asked for here is kept up; projects of other clients are theirs.
      if (name !== undefined && this.#store.get(name)) this.controller(name).wake(event);
    });
  }

  /** Goes on with what a former engine has not finished, and repairs what went away meanwhile. */
  resume(): void {
    for (const { project } of this.#store.list()) this.controller(project.name).resume();
  }

  controller(name: string): ProjectController {
    const known = this.#controllers.get(name);
    if (known) return known;
    const tell = (event: ProjectEvent) => this.tell(name, event);
    const controller = new ProjectController(name, { backend: this.backend, store: this.#store, log: this.#log, tell });
    this.#controllers.set(name, controller);
    return controller;
  }

  /** Something is told to those who follow the project. */
  tell(name: string, event: ProjectEvent): void {
    this.#audiences.tell(name, event);
  }

  /** Whatever happens to a project from now on, whether it is there or not: work on it, its watch, its containers. Answers how to stop. */
  listen(name: string, tell: (event: ProjectStreamEvent) => void): () => void {
    const containers = this.backend.events.subscribe((event) => {
      if (event.Type === "container" && event.Actor.Attributes[label.project] === name) tell({ type: "container", event });
    });
    const stop = this.#audiences.listen(name, tell, [(listener) => this.controller(name).listen(listener)]);
    return () => {
      containers.stop();
      stop();
    };
  }

  list(): ProjectStatus[] {
    const desired = this.#store.list().map(({ project }) => project.name);
    const running = this.backend.containers.list().flatMap((container) => container.Config.Labels?.[label.project] ?? []);
    return [...new Set([...desired, ...running])].sort().map((name) => this.controller(name).status());
  }

  /** @throws BerthError project/not-found */
  status(name: string): ProjectStatus {
    const found = this.list().find((status) => status.name === name);
    if (!found) throw new BerthError("project/not-found", `no such project: ${name}`);
    return found;
  }

  /** @throws BerthError project/not-found where nothing was asked for here */
  definition(name: string): ProjectDefinition {
    const record = this.#store.get(name);
    if (!record) throw new BerthError("project/not-found", `project ${name} is not up: nothing was asked for here`);
    return { project: record.project, services: { ...record.services } };
  }

  /** Something is going on, or is going to: not a time for the engine to end. */
  get isBusy(): boolean {
    return [...this.#controllers.values()].some((controller) => controller.isBusy);
  }

  async close(): Promise<void> {
    this.#subscription.stop();
    await Promise.all([...this.#controllers.values()].map((controller) => controller.close()));
  }
}
