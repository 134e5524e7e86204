import { messageOf, run } from "../system/index.ts";
import { admitBridges, type DroppingChain, droppingChains } from "./foreign-policy.ts";
import { rulesGeneration } from "./rules-generation.ts";
import { dropRuleset, type PublishedPort, type RuleBridge, ruleset } from "./ruleset.ts";

interface Logger {
  warn(data: object, message: string): void;
}

/**
 * This engine's rules in the kernel. Written whole, in one transaction, and only where they differ from what is there: an unchanged generation of the kernel's
 * rules means that nobody, for example a `flush ruleset`, has touched them since. While bridges are there the generation is looked at every few seconds, so that
 * rules which somebody removed come back.
 */
export class Firewall {
  readonly #table: string;
  readonly #instance: string;
  readonly #log: Logger;
  readonly #turn: <T>(work: () => Promise<T>) => Promise<T>;
  #text = "";
  /** Chains of others that would drop our containers' packets, as of the last look. */
  #foreign: readonly DroppingChain[] = [];
  #bridges: readonly RuleBridge[] = [];
  /** How the kernel lists the text; undefined until it was asked. */
  #listing: string | undefined;
  /** undefined: the kernel's rules may be anything. */
  #generation: number | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(o: { instance: string; log: Logger; turn: <T>(work: () => Promise<T>) => Promise<T>; watchMs?: number }) {
    this.#instance = o.instance;
    this.#table = `berth-${o.instance}`;
    this.#log = o.log;
    this.#turn = o.turn;
  }

  /** Spawns nft once where something changed, otherwise nothing; more, and without a wait, where somebody else changed the kernel's rules meanwhile. */
  async apply(bridges: readonly RuleBridge[], ports: readonly PublishedPort[]): Promise<void> {
    const text = bridges.length > 0 ? ruleset(this.#table, bridges, ports) : dropRuleset(this.#table);
    const before = await rulesGeneration();
    if (text === this.#text) {
      // Somebody else has changed rules, ours or his own: who starts a container need not wait until that is known.
      if (before !== this.#generation) this.#look();
      return;
    }
    const sameBridges = bridges.map((bridge) => bridge.link).join() === this.#bridges.map((bridge) => bridge.link).join();
    await run("nft", ["-f", "-"], { input: text });
    this.#text = text;
    this.#listing = undefined;
    this.#bridges = bridges;
    const alone = before === this.#generation && (await rulesGeneration()) === before + 1;
    await this.#admit({ looked: alone, changed: !sameBridges });
    this.#watchOver(bridges.length > 0);
  }

  close(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #watchOver(on: boolean): void {
    if (!on) this.close();
    else this.#watch ??= setInterval(() => this.#look(), watchMs).unref();
  }

  #look(): void {
    void this.#turn(() => this.#repair()).catch((error: unknown) =>
      this.#log.warn({ err: messageOf(error), effect: "published ports may not answer" }, "the rules could not be looked at"),
    );
  }

  /**
   * A moment after the rules were written the kernel is asked how it lists them, and after changes of somebody else whether it still does. Spawns nothing where
   * neither is due.
   */
  async #repair(): Promise<void> {
    if (this.#bridges.length === 0) return;
    const generation = await rulesGeneration();
    if (generation === this.#generation) {
      if (this.#listing !== undefined) return;
      const listing = await this.#list();
      if ((await rulesGeneration()) === generation) this.#listing = listing;
      return;
    }
    if (this.#listing === undefined || (await this.#list()) !== this.#listing) {
      this.#log.warn({ table: this.#table, effect: "they are written again" }, "somebody may have changed the rules of this engine");
      await run("nft", ["-f", "-"], { input: this.#text });
      this.#listing = await this.#list();
    }
    await this.#admit({ looked: false, changed: true });
  }

  /** Both tables as the kernel has them, without what counts; "" where one is gone. */
  async #list(): Promise<string> {
    const input = `list table ip ${this.#table}\nlist table ip6 ${this.#table}\n`;
    const { stdout, exitCode } = await run("nft", ["-s", "-f", "-"], { input, accept: [0, 1] });
    return exitCode === 0 ? stdout : "";
  }

  /** Our place in others' chains. `looked`: those are as they were when we last looked; `changed`: our bridges are not. */
  async #admit(o: { looked: boolean; changed: boolean }): Promise<void> {
    try {
      const before = await rulesGeneration();
      if (!o.looked) this.#foreign = await droppingChains();
      const wrote = (o.changed || !o.looked) && (await admitBridges(this.#foreign, this.#instance, this.#bridges));
      const now = await rulesGeneration();
      // Somebody else came in between: the next look begins anew.
      this.#generation = now === before + (wrote ? 1 : 0) ? now : undefined;
    } catch (error) {
      this.#generation = undefined;
      this.#log.warn({ err: messageOf(error), effect: "another firewall may drop what containers send" }, "no place in another's chain");
    }
  }
}

const watchMs = 3_000;
