import type { Container, Project, ProjectEvent, Service, StepEvent, UpOptions, WireError } from "../../src/api/index.ts";
import { EngineClient } from "../../src/cli/client/index.ts";

export interface ProjectAnswer {
  readonly ok: boolean;
  readonly error?: WireError;
  readonly containerId?: string;
  readonly events: readonly ProjectEvent[];
  /** "Container p-web-1 started": what was told, in order. */
  readonly steps: readonly string[];
  readonly warnings: readonly string[];
}

/** Berth's own part of the API, with hand-written projects: what `berth up` and its like send. */
export class ProjectClient {
  readonly client: EngineClient;

  constructor(socket: string) {
    this.client = new EngineClient(socket);
  }

  up(project: Project, options: UpOptions = {}): Promise<ProjectAnswer> {
    return this.call("PUT", `/projects/${project.name}`, { project, options });
  }
  down(name: string, options: object = {}): Promise<ProjectAnswer> {
    return this.call("DELETE", `/projects/${name}`, options);
  }
  act(name: string, kind: string, action: object = {}): Promise<ProjectAnswer> {
    return this.call("POST", `/projects/${name}/${kind}`, action);
  }

  async call(method: string, path: string, body: object): Promise<ProjectAnswer> {
    const events: ProjectEvent[] = [];
    const answer = await this.client.request(method, path, { body });
    let text = "";
    for await (const chunk of answer.body) text += String(chunk);
    for (const line of text.split("\n").filter(Boolean)) events.push(JSON.parse(line) as ProjectEvent);
    const result = events.at(-1);
    if (result?.type !== "result") throw new Error(`the stream ended without a result:\n${text}`);
    const steps = events.filter((event): event is StepEvent => event.type === "step").map(({ id, status }) => `${id} ${status}`);
    const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
    return { ...result, events, steps, warnings };
  }

  /** The project's containers, by name. */
  async containers(project: string): Promise<Map<string, Container>> {
    const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] });
    const list = (await this.#json(`/containers/json?all=1&filters=${encodeURIComponent(filters)}`)) as { Id: string }[];
    const all = await Promise.all(list.map(async ({ Id }) => (await this.#json(`/containers/${Id}/json`)) as Container));
    return new Map(all.map((container): [string, Container] => [container.Name.slice(1), container]).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get(path: string): Promise<unknown> {
    return this.#json(path);
  }

  async #json(path: string): Promise<unknown> {
    const answer = await this.client.request("GET", path);
    let text = "";
    for await (const chunk of answer.body) text += String(chunk);
    return JSON.parse(text);
  }
}

/** A complete project of these services; each is an idle busybox unless it says otherwise. */
export function projectOf(name: string, services: Record<string, Partial<Service>>, more: Partial<Project> = {}): Project {
  return {
    name,
    services: Object.fromEntries(
      Object.entries(services).map(([key, service]) => [
        key,
        {
          name: key,
          image: "busybox",
          command: ["sleep", "100000"],
          entrypoint: null,
          stop_signal: "SIGKILL",
          networks: { default: null },
          ...service,
        },
      ]),
    ),
    networks: { default: { name: `${name}_default` } },
    volumes: {},
    secrets: {},
    configs: {},
    working_dir: "/tmp",
    config_files: ["/tmp/compose.yaml"],
    ...more,
  };
}

/** What was done: without what is told of containers that stay as they are. */
export const changes = (answer: ProjectAnswer): readonly string[] => answer.steps.filter((step) => !step.endsWith(" running"));
