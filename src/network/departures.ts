import { messageOf } from "../system/index.ts";
import type { Sandbox } from "./network-state.ts";

/** What a container that has ended still has in the kernel. */
export interface Departure {
  readonly containerId: string;
  readonly namespace: string;
  readonly outers: readonly string[];
  /** Its interfaces that have no outer end. */
  readonly inners: readonly string[];
  /** Where it was: `<network id> <address>`. */
  readonly places: readonly string[];
  readonly hadPorts: boolean;
}

export interface DeparturesOptions {
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Deletes what they have, and these links with it. It has the turn. */
  readonly take: (departed: readonly Departure[], links: readonly string[]) => Promise<void>;
  readonly log: { warn(data: object, message: string): void };
}

/** Ends come together, and what follows them (the removal of the network) mostly does so at once: then one deletion is enough. */
const quietMs = 10;
/** More are not gathered. */
const mostWaiting = 64;

/**
 * Containers that have ended, until the kernel has let go of their interfaces. Every deletion of interfaces waits for the kernel's grace periods (15 to 40 ms, as
 * long for many as for one), which whoever stops a container need not wait for: they are deleted a moment later, with all that ended meanwhile, and before
 * anything that they would be in the way of. Nobody finds them: names, ports and addresses are given back at once.
 */
export class Departures {
  readonly #o: DeparturesOptions;
  #waiting = new Map<string, Departure>();
  #links: string[] = [];
  #isTaking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(o: DeparturesOptions) {
    this.#o = o;
  }

  /** Nothing waits, and nothing is being deleted. */
  get isOver(): boolean {
    return this.#waiting.size + this.#links.length === 0 && !this.#isTaking;
  }

  add(departure: Departure): void {
    this.#waiting.set(departure.containerId, departure);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#clearSoon(), this.#waiting.size < mostWaiting ? quietMs : 0);
  }

  /** Is one of them what these containers were before, or at an address that they get? */
  isInTheWay(containerIds: readonly string[], places: readonly string[]): boolean {
    const wanted = new Set(places);
    return (
      this.#links.length > 0 ||
      containerIds.some((id) => this.#waiting.has(id)) ||
      [...this.#waiting.values()].some((departure) => departure.places.some((place) => wanted.has(place)))
    );
  }

  /** A link that goes with the next deletion. */
  addLink(link: string): void {
    this.#links.push(link);
  }

  /** Deletes what waits. Whoever calls has the turn. */
  async clear(): Promise<void> {
    clearTimeout(this.#timer);
    const [departed, links] = [[...this.#waiting.values()], this.#links];
    if (departed.length + links.length === 0) return;
    this.#waiting = new Map();
    this.#links = [];
    this.#isTaking = true;
    try {
      await this.#o.take(departed, links);
    } finally {
      this.#isTaking = false;
    }
  }

  #clearSoon(): void {
    void this.#o
      .turn(() => this.clear())
      .catch((error: unknown) =>
        this.#o.log.warn(
          { err: messageOf(error), effect: "an interface stays until the engine ends" },
          "an ended container left something",
        ),
      );
  }
}

/** What a container leaves behind that is on its networks now, in this namespace. */
export function departureOf(sandbox: Sandbox, namespace: string): Departure {
  return {
    containerId: sandbox.containerId,
    namespace,
    outers: Object.values(sandbox.endpoints).flatMap(({ outer }) => outer || []),
    inners: Object.values(sandbox.endpoints).flatMap(({ outer, inner }) => (outer ? [] : inner)),
    places: placesOf(sandbox),
    hadPorts: sandbox.published.length > 0,
  };
}

export const placesOf = (sandbox: Sandbox): string[] =>
  Object.values(sandbox.endpoints).flatMap(({ networkId, address, address6 }) =>
    [address, address6].filter(Boolean).map((one) => `${networkId} ${one}`),
  );
