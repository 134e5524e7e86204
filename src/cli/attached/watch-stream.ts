import type { BuildEvent, ProjectEvent, ProjectWatchRequest } from "../../api/index.ts";
import type { EngineClient } from "../client/index.ts";
import { checkedResult, type ProjectResult, projectEvents } from "../project-change.ts";
import { failedBuildLines } from "../render/build-lines.ts";
import { BuildState } from "../render/build-state.ts";
import { printable } from "../render/printable.ts";

export interface WatchStreamOptions {
  readonly client: EngineClient;
  readonly project: string;
  /** A line of what the watch does. */
  readonly line: (text: string) => Promise<void>;
  /** A service is being built, or nothing is any more. */
  readonly building: (service: string | undefined) => void;
}

/** What the engine's watch of one project does, as lines: changes that were brought in, and the output of a build step that failed. */
export class WatchStream {
  readonly #o: WatchStreamOptions;
  #builds = new BuildState();

  constructor(o: WatchStreamOptions) {
    this.#o = o;
  }

  /** Shows what happens until the signal; that is no error. */
  async follow(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#o.client.lines<ProjectEvent>("GET", `/projects/${this.#o.project}/watch`, { signal }))
        await this.show(event);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async show(event: ProjectEvent): Promise<void> {
    if (event.type === "build") this.#build(event.service, event.event);
    if (event.type === "warning") await this.#o.line(`warning: ${printable(event.message)}`);
    if (event.type !== "watch") return;
    // What a failed step printed comes before the sentence on it.
    const failed = failedBuildLines(this.#builds);
    if (failed.length > 0) this.#builds = new BuildState();
    this.#o.building(undefined);
    for (const line of [...failed, ...`${event.service}: ${event.message}`.split("\n")]) await this.#o.line(printable(line));
  }

  #build(service: string, event: BuildEvent): void {
    this.#builds.apply(event, service);
    this.#o.building(service);
  }
}

/** Switches the watch of a project on or off; what is wrong with its rules is told by `warn`. @throws BerthError with what the engine says */
export async function switchWatch(
  client: EngineClient,
  project: string,
  o: { request: ProjectWatchRequest; signal: AbortSignal; tell: (event: ProjectEvent) => Promise<void> },
): Promise<void> {
  let result: ProjectResult | undefined;
  for await (const event of projectEvents(client, { method: "POST", project, action: "watch", body: o.request }, o.signal)) {
    if (event.type === "result") result = event;
    else await o.tell(event);
  }
  checkedResult(result);
}
