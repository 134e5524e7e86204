import type { DockerEvent } from "../../api/index.ts";
import type { Invocation } from "../invocation.ts";
import { moment } from "../moment.ts";
import { composeLabel } from "../project-containers.ts";
import { projectName } from "../project-name.ts";

export interface EventsFlags {
  readonly json?: boolean;
  readonly since?: string;
  readonly until?: string;
}

/** `berth events`: what happens to the project's containers, as it happens, until Ctrl-C or --until. */
export async function events(cli: Invocation, services: readonly string[], flags: EventsFlags): Promise<void> {
  const label = [`${composeLabel("project")}=${projectName(cli)}`, `${composeLabel("oneoff")}=False`];
  const query = {
    filters: JSON.stringify({ type: ["container"], label }),
    since: moment(flags.since, Date.now()),
    until: moment(flags.until, Date.now()),
  };
  try {
    for await (const event of (await cli.engine()).lines<DockerEvent>("GET", "/events", { query, signal: cli.signal })) {
      const service = event.Actor.Attributes[composeLabel("service")] ?? "";
      if (services.length > 0 && !services.includes(service)) continue;
      cli.print(flags.json ? jsonLine(event, service) : textLine(event));
    }
  } catch (error) {
    if (!cli.signal.aborted) throw error; // Ctrl-C is how it ends
  }
}

/** Under the names of `docker compose events --json`. */
function jsonLine(event: DockerEvent, service: string): string {
  return JSON.stringify({
    action: event.Action,
    attributes: ownAttributes(event),
    id: event.Actor.ID,
    service,
    time: isoTime(event.timeNano),
    type: "container",
  });
}

function textLine(event: DockerEvent): string {
  const attributes = Object.entries(ownAttributes(event)).map(([name, value]) => `${name}=${value}`);
  const time = isoTime(event.timeNano).slice(0, 26).replace("T", " ");
  return `${time} container ${event.Action} ${event.Actor.ID} (${attributes.join(", ")})`;
}

/** Without Compose's labels, sorted by name. */
function ownAttributes(event: DockerEvent): Record<string, string> {
  const own = Object.entries(event.Actor.Attributes).filter(([name]) => !name.startsWith("com.docker.compose."));
  return Object.fromEntries(own.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Microseconds: a JavaScript number holds no more of a time in nanoseconds. */
function isoTime(nanoseconds: number): string {
  const micros = Math.round(nanoseconds / 1000);
  return new Date(Math.floor(micros / 1000)).toISOString().replace("Z", `${String(micros % 1000).padStart(3, "0")}Z`);
}
