import type { ProjectAction, ProjectEvent, ProjectPut } from "../../api/index.ts";
import type { EngineClient } from "../client/index.ts";
import type { Invocation } from "../invocation.ts";
import { type ChangeOptions, checkedResult, isShown, type ProjectRequest, type ProjectResult, projectEvents } from "../project-change.ts";
import { projectContainers, serviceOf } from "../project-containers.ts";
import { progressStyle } from "../render/build-progress.ts";
import { ProjectProgress } from "../render/project-progress.ts";
import type { Screen } from "../render/screen.ts";
import { switchWatch } from "./watch-stream.ts";

export interface SessionRequestsOptions {
  readonly cli: Invocation;
  readonly client: EngineClient;
  /** What the session was asked for. */
  readonly put: ProjectPut;
  /** The services it is about. */
  readonly services: readonly string[];
  readonly screen: Screen | undefined;
  readonly onWatch: (event: ProjectEvent) => Promise<void>;
}

/** What an `up` in the foreground asks of the engine; how it gets on is shown on the session's screen. */
export class SessionRequests {
  readonly #o: SessionRequestsOptions;

  constructor(o: SessionRequestsOptions) {
    this.#o = o;
  }

  async bringUp(o: ChangeOptions, signal: AbortSignal): Promise<void> {
    const { put } = this.#o;
    await this.#change({ method: "PUT", project: put.project.name, body: put }, o, signal);
  }

  /** What a key asked for. */
  async change(kind: "restart" | "stop" | "start" | "rebuild", services: readonly string[], signal: AbortSignal): Promise<void> {
    const { project } = this.#o.put;
    const request: ProjectRequest =
      kind === "rebuild"
        ? { method: "PUT", project: project.name, body: { project, options: { services: [...services], noDeps: true, build: "always" } } }
        : { method: "POST", project: project.name, action: kind, body: { services: [...services], project } };
    const title = { restart: "Restarting", stop: "Stopping", start: "Starting", rebuild: "Running" }[kind];
    await this.#change(request, { title }, signal);
  }

  /** Not under the signal of the command line: it is what ends it. */
  async stop(timeoutMs: number | undefined): Promise<void> {
    const { project } = this.#o.put;
    const body: ProjectAction = { services: [...this.#o.services], project, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    await this.#change(
      { method: "POST", project: project.name, action: "stop", body },
      { title: "Stopping" },
      new AbortController().signal,
    );
  }

  /** One container after the other, past the stop that waits for them: it goes on as they end. */
  async kill(): Promise<void> {
    const { client, put, services } = this.#o;
    const rows = await projectContainers(client, {
      project: put.project.name,
      all: false,
      oneOff: false,
      services: [],
      signal: new AbortController().signal,
    });
    const own = rows.filter((row) => services.includes(serviceOf(row)));
    // One that has ended meanwhile needs no signal.
    await Promise.allSettled(own.map((row) => client.json("POST", `/containers/${row.Id}/kill`, { query: { signal: "SIGKILL" } })));
  }

  async switchWatch(on: boolean): Promise<void> {
    const { client, put, onWatch } = this.#o;
    const services = put.options.services ?? [];
    await switchWatch(client, put.project.name, {
      request: { on, ...(on ? { project: put.project, services } : {}) },
      signal: new AbortController().signal,
      tell: onWatch,
    });
  }

  async #change(request: ProjectRequest, o: ChangeOptions, signal: AbortSignal): Promise<ProjectResult> {
    const { cli, client, screen, onWatch } = this.#o;
    const progress = new ProjectProgress({
      out: cli.stderr,
      style: o.quiet ? "quiet" : progressStyle(cli.globals.progress, cli.stderr, cli.globals.ansi),
      color: cli.colorErr,
      ...(o.title ? { title: o.title } : {}),
      ...(screen ? { screen } : {}),
    });
    let result: ProjectResult | undefined;
    try {
      for await (const event of projectEvents(client, request, signal)) {
        if (event.type === "result") result = event;
        else if (event.type === "watch") await onWatch(event);
        else if (isShown(event, o)) progress.event(event);
      }
    } finally {
      progress.end();
    }
    return checkedResult(result);
  }
}
