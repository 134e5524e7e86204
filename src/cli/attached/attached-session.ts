import type { Project, ProjectPut } from "../../api/index.ts";
import type { EngineClient } from "../client/index.ts";
import type { Invocation } from "../invocation.ts";
import type { ChangeOptions } from "../project-change.ts";
import { progressStyle } from "../render/build-progress.ts";
import { Screen } from "../render/screen.ts";
import { monitoredServices, shortNames, withDependencies } from "./attached-services.ts";
import { type ContainerEnd, ContainerFollowers } from "./container-followers.ts";
import { LogOutput } from "./log-output.ts";
import { Menu } from "./menu.ts";
import { SessionRequests } from "./session-requests.ts";
import { WatchStream } from "./watch-stream.ts";

export interface AttachedOptions extends ChangeOptions {
  /** Whose output is shown. */
  readonly attached: readonly string[];
  readonly withPrefix: boolean;
  readonly color: boolean;
  readonly timestamps: boolean;
  /** Which end of a container ends everything. */
  readonly abortOn: "nothing" | "exit" | "failure";
  readonly exitCodeFrom?: string | undefined;
  readonly timeoutMs?: number | undefined;
  /** Keys and a status line, where there is a terminal. */
  readonly menu: boolean;
}

/**
 * An `up` in the foreground: brings the project up, shows its output until everything has ended, and ends it when told to. A first interrupt stops
 * gracefully, a second one kills; `detach` leaves everything running. Whoever owns the keyboard calls those two and writes through `say` and
 * `setFooter`.
 */
export class AttachedSession {
  readonly #cli: Invocation;
  readonly #client: EngineClient;
  readonly #project: Project;
  readonly #options: AttachedOptions;
  readonly #services: readonly string[];
  readonly #screen: Screen | undefined;
  readonly #output: LogOutput;
  readonly #followers: ContainerFollowers;
  readonly #requests: SessionRequests;
  readonly #put = new AbortController();
  readonly #finished = new AbortController();
  #isUp = false;
  #phase: "running" | "stopping" | "killing" = "running";
  /** The stop and the kill under way. */
  readonly #endings: Promise<void>[] = [];
  #interrupted = false;
  readonly #names: readonly string[];
  #isAnnounced = false;
  #isDetached = false;
  #exitCode: number | undefined;
  readonly #request: ProjectPut;
  readonly #menu: Menu | undefined;
  readonly #watchStream: WatchStream;
  /** Its containers come and go without that being the end. */
  #isWatched = false;
  /** Changes that keys asked for and that are under way. */
  #changing = 0;

  constructor(cli: Invocation, client: EngineClient, put: ProjectPut, options: AttachedOptions) {
    this.#cli = cli;
    this.#client = client;
    this.#project = put.project;
    this.#options = options;
    this.#services = put.options.noDeps ? (put.options.services ?? []) : withDependencies(put.project, put.options.services ?? []);
    this.#names = options.attached.flatMap((service) => shortNames(put.project, service, put.options.scale));
    const live = progressStyle(cli.globals.progress, cli.stderr, cli.globals.ansi) === "tty";
    this.#screen = live ? new Screen(cli.stderr) : undefined;
    this.#output = new LogOutput({
      out: cli.stdout,
      err: cli.stderr,
      screen: cli.stdout.isTTY ? this.#screen : undefined,
      names: this.#names,
      color: options.color,
      withPrefix: options.withPrefix,
    });
    this.#followers = new ContainerFollowers({
      client,
      project: put.project.name,
      attached: options.attached,
      services: monitoredServices(put.options.services ?? [], options.attached),
      output: this.#output,
      timestamps: options.timestamps,
      onStart: () => this.#announce(),
      onEnd: (end) => this.#ended(end),
    });
    this.#requests = new SessionRequests({
      cli,
      client,
      put,
      services: this.#services,
      screen: this.#screen,
      onWatch: (event) => this.#watchStream.show(event),
    });
    this.#request = put;
    this.#menu = this.#screen && options.menu && cli.stdin.isTTY && cli.stdout.isTTY ? this.#newMenu() : undefined;
    this.#watchStream = new WatchStream({
      client,
      project: put.project.name,
      line: (text) => this.#output.line("watch", text, 1),
      building: (service) => this.#menu?.building(service),
    });
  }

  /** Answers the exit code: 130 after an interrupt, that of the container that ended everything, 0 otherwise. */
  async run(): Promise<number> {
    await this.#followers.open();
    this.#menu?.open();
    const watching = this.#watchStream;
    let following: Promise<void> = Promise.resolve();
    try {
      if (await this.#bringUp()) {
        this.#isWatched = this.#request.options.watch === true;
        if (this.#isWatched || this.#menu) following = watching.follow(this.#finished.signal);
        following.catch(() => {}); // awaited at the end
        await this.#announce();
        await this.#followers.followRunning();
        this.#isUp = true;
        await this.#finishIfOver();
      }
      if (!this.#finished.signal.aborted)
        await new Promise((resolve) => this.#finished.signal.addEventListener("abort", resolve, { once: true }));
      await Promise.all(this.#endings);
      if (!this.#isDetached) await this.#followers.drain();
      // A watch that began with this session ends with it, unless everything is left running.
      if (this.#isWatched && !this.#isDetached) await this.#requests.switchWatch(false);
    } finally {
      this.#finished.abort();
      await following;
      await this.#followers.close();
      await this.#menu?.close();
      this.#screen?.setFooter([]);
    }
    return this.#exitCode ?? (this.#interrupted ? 130 : 0);
  }

  /** What Ctrl-C does. */
  interrupt(): void {
    this.#put.abort();
    if (!this.#interrupted && this.#phase === "running") this.#stop(this.#output.say("Gracefully Stopping... press Ctrl+C again to force"));
    else if (this.#phase !== "killing") {
      this.#phase = "killing";
      this.#begin(this.#requests.kill());
    }
    this.#interrupted = true;
  }

  /** Leaves, and everything goes on. */
  detach(): void {
    this.#isDetached = true;
    this.#finished.abort();
  }

  /** One line among the output. */
  say(text: string): Promise<void> {
    return this.#output.say(text);
  }

  /** Lines that stay at the terminal's bottom; nothing where there is no terminal. */
  setFooter(lines: readonly string[]): void {
    this.#screen?.setFooter(lines);
  }

  #newMenu(): Menu {
    const { services } = this.#project;
    return new Menu({
      cli: this.#cli,
      out: this.#cli.stderr,
      client: this.#client,
      project: this.#project.name,
      services: this.#services,
      watch: this.#request.options.watch ? "on" : this.#services.some((name) => services[name]?.develop?.watch.length) ? "off" : "none",
      actions: {
        say: (text) => this.say(text),
        setFooter: (lines) => this.setFooter(lines),
        interrupt: () => this.interrupt(),
        detach: () => this.detach(),
        filter: (names) => {
          const shown = names.flatMap((name) => shortNames(this.#project, name, this.#request.options.scale));
          this.#output.showOnly((name) => names.length === 0 || shown.includes(name));
        },
        search: (text) => this.#output.search(text),
        change: (kind, names) => this.#changeSome(kind, names),
        watch: async (on) => {
          await this.#requests.switchWatch(on);
          this.#isWatched = on;
          if (!on) await this.#output.line("watch", "off", 1);
        },
      },
    });
  }

  /** What a key asked for: an end of a container in it is not the end of everything. */
  async #changeSome(kind: "restart" | "stop" | "start" | "rebuild", services: readonly string[]): Promise<void> {
    this.#changing++;
    try {
      await this.#requests.change(kind, services, this.#finished.signal);
    } finally {
      // What ended in it is told before it is looked whether all is over.
      await this.#followers.drain();
      this.#changing--;
    }
  }

  async #announce(): Promise<void> {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    if (this.#names.length > 0) await this.#output.say(`Attaching to ${this.#names.join(", ")}`);
  }

  /** Whether it came up; false where it was interrupted before. */
  async #bringUp(): Promise<boolean> {
    try {
      await this.#requests.bringUp(this.#options, this.#put.signal);
      return true;
    } catch (error) {
      if (!this.#put.signal.aborted) throw error;
      return false;
    }
  }

  #stop(said: Promise<void>): void {
    this.#phase = "stopping";
    this.#begin(said.then(() => this.#end()));
  }

  #begin(ending: Promise<void>): void {
    ending.catch(() => {}); // run() awaits it
    this.#endings.push(ending);
  }

  async #end(): Promise<void> {
    try {
      await this.#requests.stop(this.#options.timeoutMs);
    } finally {
      this.#finished.abort();
    }
  }

  async #ended({ name, service, exitCode, restarting }: ContainerEnd): Promise<void> {
    if (this.#isDetached) return;
    await this.#output.say(`${name} exited with code ${exitCode}${restarting ? " (restarting)" : ""}`);
    const { abortOn, exitCodeFrom } = this.#options;
    if (service === exitCodeFrom) this.#exitCode ??= exitCode;
    if (this.#phase === "running" && (abortOn === "exit" || (abortOn === "failure" && exitCode !== 0))) {
      if (exitCodeFrom === undefined) this.#exitCode ??= exitCode;
      this.#put.abort();
      this.#stop(this.#output.note("Aborting on container exit..."));
    }
    await this.#finishIfOver();
  }

  async #finishIfOver(): Promise<void> {
    if (this.#isUp && !this.#isWatched && this.#changing === 0 && this.#phase === "running" && (await this.#followers.isAllOver()))
      this.#finished.abort();
  }
}
