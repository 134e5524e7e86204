import { BerthError } from "../../system/index.ts";
import type { EventBus } from "../event-bus.ts";
import type { Records } from "../records.ts";
import { containerEvent } from "./container-event.ts";
import type { ContainerRecord } from "./container-record.ts";

/** The records of all containers, found as a user types them, and the events about them. */
export class ContainerBook {
  readonly #records: Records<ContainerRecord>;
  readonly #events: EventBus;

  constructor(records: Records<ContainerRecord>, events: EventBus) {
    this.#records = records;
    this.#events = events;
  }

  list(): ContainerRecord[] {
    return this.#records.values();
  }

  byId(id: string): ContainerRecord | undefined {
    return this.#records.get(id);
  }

  /** By id, name or unique prefix of the id. */
  find(ref: string): ContainerRecord | undefined {
    const name = ref.replace(/^\//, "");
    const exact = this.#records.get(name) ?? this.list().find((record) => record.Name === `/${name}`);
    if (exact) return exact;
    const matches = this.#prefixed(name);
    return matches.length === 1 ? matches[0] : undefined;
  }

  #prefixed(text: string): ContainerRecord[] {
    return /^[0-9a-f]+$/.test(text) ? this.list().filter((record) => record.Id.startsWith(text)) : [];
  }

  /** @throws BerthError container/not-found */
  get(ref: string): ContainerRecord {
    if (ref === "") throw new BerthError("api/bad-parameter", 'invalid name or ID supplied: ""');
    const found = this.find(ref);
    if (!found && this.#prefixed(ref).length > 1)
      throw new BerthError("api/bad-parameter", `multiple IDs found with provided prefix: ${ref}`);
    if (!found) throw new BerthError("container/not-found", `No such container: ${ref.replace(/^\//, "")}`);
    return found;
  }

  put(record: ContainerRecord): void {
    this.#records.put(record.Id, record);
  }

  /** Written a moment later: conmon's exit file says it meanwhile, and a container that ended is often removed at once. */
  putEnd(record: ContainerRecord): void {
    this.#records.putSoon(record.Id, record);
  }
  flush(): void {
    this.#records.flush();
  }

  delete(id: string): void {
    this.#records.delete(id);
  }

  emit(record: ContainerRecord, action: string, more: Readonly<Record<string, string>> = {}): void {
    containerEvent(this.#events, record, action, more);
  }

  emitNetwork(action: "connect" | "disconnect", container: ContainerRecord, network: { Id: string; Name: string; Driver: string }): void {
    this.#events.emit("network", action, network.Id, { container: container.Id, name: network.Name, type: network.Driver });
  }

  emitVolumeCreated(name: string): void {
    this.#events.emit("volume", "create", name, { driver: "local" });
  }

  /** What a start takes and an end gives back: its networks, then its volumes. */
  emitUse(begins: boolean, container: ContainerRecord, networks: readonly { Id: string; Name: string; Driver: string }[]): void {
    for (const network of networks) this.emitNetwork(begins ? "connect" : "disconnect", container, network);
    for (const mount of container.Mounts) {
      if (mount.Type !== "volume" || !mount.Name) continue;
      const { Destination: destination, RW, Propagation: propagation } = mount;
      const how = { destination, driver: "local", propagation, "read/write": String(RW) };
      this.#events.emit("volume", begins ? "mount" : "unmount", mount.Name, {
        container: container.Id,
        ...(begins ? how : { driver: "local" }),
      });
    }
  }
}
