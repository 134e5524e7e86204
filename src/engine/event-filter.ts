import type { DockerEvent } from "../api/index.ts";
import { anyOf, type Filters, labelsMatch } from "./http/filters.ts";

/** Kinds of things that an event may be of, each a key of its own: part of its id or name. */
const kinds = ["daemon", "container", "plugin", "volume", "network", "service", "node", "secret", "config"];

/** Whether an event is one of those asked for (the filters of GET /events). Keys that are none ask for nothing. */
export function eventMatches(event: DockerEvent, wanted: Filters): boolean {
  const attributes = event.Actor.Attributes;
  return (
    anyOf(wanted, "event", (value) => event.Action === value || event.Action.split(":")[0] === value) &&
    anyOf(wanted, "type", (value) => event.Type === value) &&
    anyOf(wanted, "scope", (value) => value === "local") &&
    kinds.every((kind) =>
      anyOf(
        wanted,
        kind,
        (value) => event.Type === kind && (event.Actor.ID.startsWith(value) || (attributes["name"] ?? "").startsWith(value)),
      ),
    ) &&
    anyOf(wanted, "image", (value) => imageNames(event).some((name) => name === value)) &&
    labelsMatch(wanted.get("label"), attributes)
  );
}

/** An image's own names, or those of the image that a container was made of; each also without its tag. */
function imageNames({ Type: type, Actor: actor }: DockerEvent): string[] {
  if (type !== "image" && type !== "container") return [];
  const name = actor.Attributes[type === "image" ? "name" : "image"] ?? "";
  return [actor.ID, name, ...[actor.ID, name].map(withoutTag)];
}

function withoutTag(name: string): string {
  if (name.startsWith("sha256:")) return name;
  const [bare = ""] = name.split("@");
  const at = bare.lastIndexOf(":");
  return at > bare.lastIndexOf("/") ? bare.slice(0, at) : bare;
}
