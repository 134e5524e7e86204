import type { Paint } from "../render/paint.ts";
import { clip, visibleLength } from "../render/screen.ts";

export interface ServiceState {
  readonly service: string;
  /** Docker's word for each of its containers: running, exited, ... */
  readonly states: readonly string[];
  readonly health: "healthy" | "unhealthy" | "starting" | "none";
}

export interface Status {
  readonly services: readonly ServiceState[];
  /** "127.0.0.1:8080" */
  readonly published: readonly string[];
  readonly building: string | undefined;
  readonly watch: "on" | "off" | "none";
  /** Only these services' output is shown. */
  readonly filter: readonly string[];
  readonly search: string | undefined;
}

/** The line at the terminal's bottom: services with their state, addresses, what is being built, what is filtered, and where help is. Cut to the width, help last. */
export function statusLine(status: Status, width: number, paint: Paint): string {
  const parts = [
    status.services.map((service) => serviceText(service, paint)).join("  "),
    status.published.join(" "),
    ...(status.building === undefined ? [] : [paint.blue(`building ${status.building}`)]),
    ...(status.watch === "none" ? [] : [`watch ${status.watch}`]),
    ...(status.filter.length > 0 ? [`only ${status.filter.join(", ")}`] : []),
    ...(status.search === undefined ? [] : [`/${status.search}`]),
  ].filter((part) => part !== "");
  const help = " | ? help";
  const text = ` ${parts.join(" | ")}`;
  const room = width - help.length - 1;
  return (visibleLength(text) > room ? `${clip(text, room - 1)}…` : text) + help;
}

function serviceText({ service, states, health }: ServiceState, paint: Paint): string {
  const up = states.filter((state) => state === "running").length;
  const count = states.length > 1 ? ` ${up}/${states.length}` : "";
  if (states.length === 0) return `${service} -`;
  const odd = states.find((state) => state !== "running");
  if (up === 0) return paint.red(`✘ ${service}${count} ${odd}`);
  if (health === "unhealthy") return paint.red(`✘ ${service}${count} unhealthy`);
  if (health === "starting" || odd !== undefined) return paint.yellow(`… ${service}${count} ${health === "starting" ? "starting" : odd}`);
  return paint.green(`✔ ${service}${count}`);
}
