import { existsSync } from "node:fs";
import { BerthError } from "../system/index.ts";
import { endpointId } from "./endpoint-view.ts";
import type { Endpoint, Sandbox } from "./network-state.ts";
import { hostPart, PortHolder } from "./port-holder.ts";
import type { PublishedPort } from "./ruleset.ts";

interface Publishing {
  readonly ports: Readonly<Record<string, readonly { HostIp?: string; HostPort?: string }[] | null>>;
  /** The addresses that a binding without one means. */
  readonly defaultHostIp: string | undefined;
  readonly via: Endpoint;
  /** Whether a family's ports are reached at the container's own address. */
  readonly isRouted: (family: 4 | 6) => boolean;
}

/** The host ports that this engine holds for its containers: chosen, taken, and given back. */
export class PublishedPorts {
  readonly #holders = new Map<string, PortHolder[]>();
  readonly #sandboxes: () => Iterable<Sandbox>;

  constructor(sandboxes: () => Iterable<Sandbox>) {
    this.#sandboxes = sandboxes;
  }

  /**
   * Chooses and holds the host's ports, and notes in `sandbox.published` what the rules will say. "8000-8010" takes the first free one; a port without
   * a number is the kernel's choice, the same one for IPv4 and IPv6.
   * @throws BerthError network/port-taken, network/bad-option
   */
  async publish(sandbox: Sandbox, publishing: Publishing): Promise<void> {
    try {
      await this.#publish(sandbox, publishing);
    } catch (error) {
      if (!(error instanceof BerthError) || error.code !== "network/port-taken") throw error;
      const endpoint = `${sandbox.name} (${endpointId(sandbox, publishing.via.networkId)})`;
      throw new BerthError(
        error.code,
        `failed to set up container networking: driver failed programming external connectivity on endpoint ${endpoint}: ${error.message}`,
        { cause: error.cause, ...(error.hint ? { hint: error.hint } : {}) },
      );
    }
  }

  async #publish(sandbox: Sandbox, { ports, defaultHostIp, via, isRouted }: Publishing): Promise<void> {
    for (const [key, bindings] of Object.entries(ports)) {
      const [port = "", protocol = "tcp"] = key.split("/");
      if (protocol !== "tcp" && protocol !== "udp")
        throw new BerthError("network/bad-option", `cannot publish ${key}: only tcp and udp are published`);
      for (const binding of bindings ?? []) {
        const [from = 0, to = from] = (binding.HostPort ?? "").split("-").map(Number);
        let chosen = 0;
        for (const hostIp of hostAddresses(binding.HostIp || defaultHostIp)) {
          const v6 = hostIp.includes(":");
          const address = (v6 && via.address6) || via.address || via.address6;
          const target = { hostIp, protocol, address, port: Number(port) } as const;
          if (v6 === address.includes(":") && isRouted(v6 ? 6 : 4)) {
            sandbox.published.push({ ...target, hostPort: 0, isRouted: true });
            continue;
          }
          chosen = (await this.#open(sandbox, target, chosen || from, chosen || to)).port;
          sandbox.published.push({ ...target, hostPort: chosen });
        }
      }
    }
  }

  /** Takes the ports of a sandbox again, after the engine that held them ended. @throws BerthError network/port-taken */
  async hold(sandbox: Sandbox): Promise<void> {
    for (const port of sandbox.published) if (!port.isRouted) await this.#keep(sandbox.containerId, port);
  }

  letGo(containerId: string): void {
    for (const holder of this.#holders.get(containerId) ?? []) holder.close();
    this.#holders.delete(containerId);
  }

  letGoOfAll(): void {
    for (const id of [...this.#holders.keys()]) this.letGo(id);
  }

  async #open(sandbox: Sandbox, port: Omit<PublishedPort, "hostPort">, from: number, to: number): Promise<PortHolder> {
    for (let hostPort = from; ; hostPort++) {
      try {
        return await this.#keep(sandbox.containerId, { ...port, hostPort });
      } catch (error) {
        if (hostPort >= to) throw this.#nameHolder(error, { ...port, hostPort });
      }
    }
  }

  async #keep(containerId: string, port: PublishedPort): Promise<PortHolder> {
    const holder = await PortHolder.open(port);
    this.#holders.set(containerId, [...(this.#holders.get(containerId) ?? []), holder]);
    return holder;
  }

  /** A port that one of our own containers has is named by the container. */
  #nameHolder(error: unknown, wanted: PublishedPort): unknown {
    const isTaken = (port: PublishedPort) =>
      port.hostPort === wanted.hostPort && port.protocol === wanted.protocol && meet(port.hostIp, wanted.hostIp);
    const other = [...this.#sandboxes()].find((sandbox) => this.#holders.has(sandbox.containerId) && sandbox.published.some(isTaken));
    const taken = other?.published.find(isTaken);
    if (!other || !taken || !(error instanceof BerthError)) return error;
    // Docker names the address as it is taken, not as it was asked for.
    return new BerthError("network/port-taken", `Bind for ${hostPart(taken.hostIp)}:${taken.hostPort} failed: port is already allocated`, {
      hint: `Container ${other.name} has it. Stop it, or publish another port.`,
      cause: error,
    });
  }
}

/** Whether two sockets on the same port would be in each other's way. */
function meet(one: string, other: string): boolean {
  if (one.includes(":") !== other.includes(":")) return false;
  return one === other || [one, other].some((address) => address === "0.0.0.0" || address === "::");
}

/** Every address of the host where none is given; IPv6 only where the host has it. */
function hostAddresses(asked: string | undefined): string[] {
  if (asked) return [asked.replace(/^\[(.*)\]$/, "$1")];
  return existsSync("/proc/net/if_inet6") ? ["0.0.0.0", "::"] : ["0.0.0.0"];
}
