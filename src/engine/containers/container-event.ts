import type { Container } from "../../api/index.ts";
import type { EventBus } from "../event-bus.ts";

/** An event of a container, with what Docker tells of every one: its labels, its image and its name. */
export function containerEvent(events: EventBus, record: Container, action: string, more: Readonly<Record<string, string>> = {}): void {
  events.emit("container", action, record.Id, {
    ...record.Config.Labels,
    image: record.Config.Image ?? "",
    name: record.Name.slice(1),
    ...more,
  });
}
