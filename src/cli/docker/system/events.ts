import type { DockerEvent } from "../../../api/index.ts";
import { moment } from "../../moment.ts";
import { formatRows } from "../../render/format-rows.ts";
import { command } from "../command.ts";
import { filterQuery } from "../filters.ts";
import { templateFormat } from "../format/format-flag.ts";

export const events = command({
  usage: "[OPTIONS]",
  about: "Get real time events from the server",
  flags: `
    -f, --filter filter...  Filter output based on conditions provided
    --format string  ${templateFormat}
    --since string  Show all events created since timestamp
    --until string  Stream events until this timestamp
  `,
  run: async ({ engine, flags, print, signal }) => {
    const query = {
      filters: filterQuery(flags.list("filter")),
      since: moment(flags.text("since"), Date.now()),
      until: moment(flags.text("until"), Date.now()),
    };
    const format = flags.text("format");
    try {
      for await (const event of engine.lines<DockerEvent>("GET", "/events", { query, signal })) {
        if (format === undefined) print(eventLine(event));
        else
          for (const line of formatRows(format, [format === "json" ? { ...event } : templateFields(event)], { type: "*events.Message" }))
            print(line);
      }
    } catch (error) {
      if (!signal.aborted) throw error; // Ctrl-C is how it ends
    }
  },
});

/** An event under the names that it has in Go. */
function templateFields(event: DockerEvent): Record<string, unknown> {
  const { scope, time, timeNano, ...same } = event;
  const old = { Status: event.Action, ID: event.Actor.ID, From: event.Actor.Attributes["image"] ?? "" };
  return { ...same, ...old, Scope: scope, Time: time, TimeNano: timeNano };
}

/** `2026-01-01T10:00:00.123456789Z container start <id> (image=busybox, name=web)` */
function eventLine({ Type, Action, Actor, timeNano }: DockerEvent): string {
  const attributes = Object.entries(Actor.Attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const nanos = String(Math.round(timeNano % 1e9)).padStart(9, "0");
  const time = new Date(Math.floor(timeNano / 1e6)).toISOString().replace(/\.\d+Z$/, `.${nanos}Z`);
  return `${time} ${Type} ${Action} ${Actor.ID}${attributes.length > 0 ? ` (${attributes.join(", ")})` : ""}`;
}
