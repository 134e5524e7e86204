import type { ProjectEvent } from "../../api/index.ts";
import type { Tell } from "../../scheduler/index.ts";

/** Who follows which project. One that is told the same event over two ways hears it once. */
export class ProjectAudiences {
  readonly #listeners = new Map<string, Set<Tell>>();

  tell(name: string, event: ProjectEvent): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(event);
  }

  /** `others` are further ways that events of the project come; each answers how to stop. Answers how to stop all. */
  listen(name: string, tell: Tell, others: readonly ((tell: Tell) => () => void)[]): () => void {
    const heard = new WeakSet<ProjectEvent>();
    const listener: Tell = (event) => {
      if (heard.has(event)) return;
      heard.add(event);
      tell(event);
    };
    const own = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, own.add(listener));
    const stops = others.map((listen) => listen(listener));
    return () => {
      for (const stop of stops) stop();
      own.delete(listener);
      if (own.size === 0 && this.#listeners.get(name) === own) this.#listeners.delete(name);
    };
  }
}
