import { messageOf } from "../system/index.ts";
import type { AttachRequest } from "./attachment-plan.ts";
import { bridgeOptions } from "./bridge-options.ts";
import type { Endpoint, NetworkState, Sandbox } from "./network-state.ts";
import type { PublishedPorts } from "./published-ports.ts";

/** Through which of its networks a container's ports are published, and what becomes of them when it leaves that one. */
export class ContainerPorts {
  readonly #state: NetworkState;
  readonly #ports: PublishedPorts;
  readonly #log: { warn(data: object, message: string): void };

  constructor(o: { state: NetworkState; ports: PublishedPorts; log: { warn(data: object, message: string): void } }) {
    this.#state = o.state;
    this.#ports = o.ports;
    this.#log = o.log;
  }

  /** Holds what is asked for and notes it in the record. @throws BerthError network/port-taken, network/bad-option */
  async publish(sandbox: Sandbox, request: AttachRequest): Promise<void> {
    const ports = { ...request.ports };
    if (request.publishAll) for (const port of request.exposed) ports[port] ??= [{}];
    const via = this.#publishesThrough(sandbox);
    if (!via) return;
    const options = bridgeOptions(this.#state.networks.get(via.networkId)?.network.Options ?? {});
    const isRouted = (family: 4 | 6) => (family === 6 ? options.gatewayMode6 : options.gatewayMode4) === "routed";
    await this.#ports.publish(sandbox, { ports, via, defaultHostIp: options.hostBinding, isRouted });
  }

  /** Only what is on a bridge that leads out is published (Docker's rule). */
  #publishesThrough(sandbox: Sandbox): Endpoint | undefined {
    return Object.values(sandbox.endpoints).find(({ networkId }) => {
      const stored = this.#state.networks.get(networkId);
      return stored?.link && !stored.network.Internal;
    });
  }

  /** The ports that led to the address that is gone lead to another one, or end. Answers whether there were such: then the rules change. */
  async republish(sandbox: Sandbox, gone: Endpoint): Promise<boolean> {
    if (!sandbox.published.some((port) => port.address === gone.address || port.address === gone.address6)) return false;
    this.#ports.letGo(sandbox.containerId);
    const via = this.#publishesThrough(sandbox);
    sandbox.published = via
      ? sandbox.published.map((port) => ({ ...port, address: port.address.includes(":") && via.address6 ? via.address6 : via.address }))
      : [];
    await this.holdAgain(sandbox);
    return true;
  }

  /** Takes what is published again; where that cannot be, the kernel's translation still leads there. */
  async holdAgain(sandbox: Sandbox): Promise<void> {
    try {
      await this.#ports.hold(sandbox);
      if (!sandbox.attached) this.#ports.letGo(sandbox.containerId); // it has left meanwhile
    } catch (error) {
      this.#log.warn(
        { container: sandbox.name, err: messageOf(error), effect: "only the kernel's translation answers" },
        "a published port could not be held again",
      );
    }
  }
}
