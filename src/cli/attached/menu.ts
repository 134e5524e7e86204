import type { DockerEvent } from "../../api/index.ts";
import type { EngineClient } from "../client/index.ts";
import type { CliContext, Output } from "../context.ts";
import { composeLabel, type PortRow, projectContainers, serviceOf } from "../project-containers.ts";
import { paint } from "../render/paint.ts";
import { openAddress } from "./open-address.ts";
import { type Prompt, promptKey, promptLine } from "./prompt.ts";
import { type ServiceState, type Status, statusLine } from "./status-line.ts";

/** What the keys do; the session of an attached `up` does it. */
export interface MenuActions {
  say(text: string): Promise<void>;
  setFooter(lines: readonly string[]): void;
  interrupt(): void;
  detach(): void;
  /** Shows the output of these services only; of all where none is named. */
  filter(services: readonly string[]): void;
  /** Shows again what has the text in it, and marks it from now on. */
  search(text: string | undefined): Promise<void>;
  change(kind: "restart" | "stop" | "start" | "rebuild", services: readonly string[]): Promise<void>;
  watch(on: boolean): Promise<void>;
}

export interface MenuOptions {
  readonly cli: Pick<CliContext, "stdin" | "env"> & { readonly colorErr: boolean };
  readonly out: Output;
  readonly client: EngineClient;
  readonly project: string;
  readonly services: readonly string[];
  readonly actions: MenuActions;
  readonly watch: Status["watch"];
}

const help = `w watch on/off   r restart   b rebuild   s stop/start   l filter the output   / search   o open a port   d detach   Ctrl-C stop`;

/** The keyboard and the status line of an attached `up`. Owns the terminal's raw mode from `open` to `close`. */
export class Menu {
  readonly #o: MenuOptions;
  readonly #over = new AbortController();
  #status: Status;
  #prompt: { readonly prompt: Prompt; readonly answered: (values: readonly string[]) => void } | undefined;
  #ports: readonly PortRow[] = [];
  #loop: Promise<void> = Promise.resolve();
  #redraw: NodeJS.Timeout | undefined;

  constructor(o: MenuOptions) {
    this.#o = o;
    const services = o.services.map((service): ServiceState => ({ service, states: [], health: "none" }));
    this.#status = { services, published: [], building: undefined, watch: o.watch, filter: [], search: undefined };
  }

  open(): void {
    const { stdin } = this.#o.cli;
    rawMode(stdin, true);
    stdin.on("data", this.#onData);
    stdin.resume();
    this.#o.out.on("resize", this.#draw);
    this.#loop = this.#follow();
    this.#loop.catch(() => {}); // the session itself says that the engine went away
    this.#draw();
  }

  async close(): Promise<void> {
    const { stdin } = this.#o.cli;
    this.#over.abort();
    clearTimeout(this.#redraw);
    stdin.off("data", this.#onData);
    stdin.pause();
    rawMode(stdin, false);
    this.#o.out.off("resize", this.#draw);
    this.#o.actions.setFooter([]);
    await this.#loop.catch(() => {});
  }

  building(service: string | undefined): void {
    this.#set({ building: service });
  }

  #set(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    this.#draw();
  }

  readonly #draw = (): void => {
    if (this.#over.signal.aborted) return;
    const line = this.#prompt
      ? promptLine(this.#prompt.prompt)
      : statusLine(this.#status, this.#o.out.columns ?? 80, paint(this.#o.cli.colorErr));
    this.#o.actions.setFooter([line]);
  };

  /** Every start, end and change of health is a reason to look again. */
  async #follow(): Promise<void> {
    const { client, project } = this.#o;
    await this.#look();
    const filters = JSON.stringify({ type: ["container"], label: [`${composeLabel("project")}=${project}`] });
    for await (const _ of client.lines<DockerEvent>("GET", "/events", { query: { filters }, signal: this.#over.signal }))
      this.#redraw ??= setTimeout(() => {
        this.#redraw = undefined;
        this.#look().catch(() => {}); // the next event looks again
      }, 100);
  }

  async #look(): Promise<void> {
    const { client, project, services } = this.#o;
    const all = await projectContainers(client, { project, all: true, oneOff: false, services: [], signal: this.#over.signal });
    const rows = all.filter((row) => services.includes(serviceOf(row)));
    this.#ports = rows.flatMap((row) => row.Ports).filter((port) => port.PublicPort);
    this.#set({
      services: services.map((service) => {
        const own = rows.filter((row) => serviceOf(row) === service);
        const healths = own.flatMap((row) => /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(row.Status)?.[1] ?? []);
        const health = (["unhealthy", "starting", "healthy"] as const).find((word) => healths.includes(word)) ?? "none";
        return { service, states: own.map((row) => row.State), health };
      }),
      published: this.#addresses(),
    });
  }

  /** Each port once: of an address for everybody, loopback's. */
  #addresses(): string[] {
    const host = ({ IP: ip = "" }: PortRow) => (ip === "" || ip === "0.0.0.0" || ip === "::" || ip === "::1" ? "127.0.0.1" : ip);
    return [...new Set(this.#ports.filter((port) => port.Type !== "udp").map((port) => `${host(port)}:${port.PublicPort}`))];
  }

  readonly #onData = (data: Buffer): void => {
    // A pasted or quickly typed text comes as one piece; an arrow key is no Esc.
    const text = data.toString("utf8");
    const keys = text.startsWith("\x1b") && text.length > 1 ? [] : [...text];
    for (const key of keys) this.#key(key);
  };

  #key(key: string): void {
    if (this.#prompt) {
      const { prompt, answered } = this.#prompt;
      const answer = promptKey(prompt, key);
      this.#prompt = answer.kind === "going-on" ? { prompt: answer.prompt, answered } : undefined;
      if (answer.kind === "answered") answered(answer.values);
      this.#draw();
      return;
    }
    this.#keys[key]?.();
  }

  readonly #keys: Readonly<Record<string, () => void>> = {
    "\x03": () => this.#o.actions.interrupt(),
    d: () => this.#o.actions.detach(),
    w: () => this.#switchWatch(),
    r: () => this.#ask("restart", (values) => this.#do(this.#o.actions.change("restart", this.#orAll(values)))),
    b: () => this.#ask("rebuild", (values) => this.#do(this.#o.actions.change("rebuild", this.#orAll(values)))),
    s: () => this.#ask("stop or start", (values) => this.#stopOrStart(this.#orAll(values))),
    l: () => this.#ask("show only", (values) => this.#filter(values)),
    "/": () => this.#ask("/", ([text]) => this.#search(text), false),
    o: () => this.#openPort(),
    "\x1b": () => {
      this.#filter([]);
      this.#search(undefined);
    },
    "?": () => this.#do(this.#o.actions.say(help)),
    h: () => this.#do(this.#o.actions.say(help)),
  };

  #filter(services: readonly string[]): void {
    this.#o.actions.filter(services);
    this.#set({ filter: services });
  }

  #ask(question: string, answered: (values: readonly string[]) => void, fromServices = true): void {
    this.#prompt = { prompt: { question, text: "", ...(fromServices ? { choices: this.#o.services } : {}) }, answered };
    this.#draw();
  }

  #orAll(values: readonly string[]): readonly string[] {
    return values.length > 0 ? values : this.#o.services;
  }

  #search(text: string | undefined): void {
    this.#set({ search: text });
    this.#do(this.#o.actions.search(text));
  }

  #switchWatch(): void {
    const { watch } = this.#status;
    const on = watch === "off";
    if (watch === "none") this.#do(this.#o.actions.say("no service has rules in develop.watch"));
    else this.#do(this.#o.actions.watch(on).then(() => this.#set({ watch: on ? "on" : "off" })));
  }

  /** What runs is stopped, the rest is started. */
  #stopOrStart(services: readonly string[]): void {
    const runs = (name: string) => this.#status.services.find((one) => one.service === name)?.states.includes("running") === true;
    const [up, down] = [services.filter(runs), services.filter((name) => !runs(name))];
    if (up.length > 0) this.#do(this.#o.actions.change("stop", up));
    if (down.length > 0) this.#do(this.#o.actions.change("start", down));
  }

  #openPort(): void {
    const { actions, cli } = this.#o;
    const addresses = this.#addresses();
    const open = (address: string) => this.#do(openAddress(`http://${address}/`, cli.env).then((said) => actions.say(said)));
    const [only] = addresses;
    if (only === undefined) this.#do(actions.say("no port is published"));
    else if (addresses.length === 1) open(only);
    else {
      this.#prompt = { prompt: { question: "open", choices: addresses, text: "" }, answered: ([address = only]) => open(address) };
      this.#draw();
    }
  }

  /** What goes wrong is said and ends nothing. */
  #do(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#o.actions.say(error instanceof Error ? error.message : String(error))).catch(() => {});
  }
}

function rawMode(stdin: CliContext["stdin"], on: boolean): void {
  if ("setRawMode" in stdin && typeof stdin.setRawMode === "function") stdin.setRawMode(on);
}
