import type { ServiceHook } from "../../api/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";
import { type BatchTimes, batchTimes, ChangeBatches, type Clock, copyTimes } from "./change-batches.ts";
import { relevantPath } from "./rule-match.ts";
import { pathState, sourceFiles } from "./source-files.ts";
import type { SourceNotes } from "./source-notes.ts";
import { SourceWatcher } from "./source-watcher.ts";
import { type ServiceSync, type ServiceWork, watchPlan } from "./watch-plan.ts";
import { copies, type WatchedRule } from "./watched-rule.ts";

/** What watching needs of the containers and images that it keeps up to date. */
export interface WatchPort {
  /** The service's containers that run. */
  running(service: string): readonly { readonly id: string; readonly name: string }[];
  /** Makes paths in a running container as they are here by now. */
  sync(container: string, sync: ServiceSync & { readonly ifDifferent: boolean }): Promise<SyncResult>;
  /** Restarts the service's containers that run. */
  restart(service: string): Promise<void>;
  exec(container: string, hook: ServiceHook): Promise<{ readonly exitCode: number; readonly output: string }>;
  /** Builds the images of these services again, and puts new containers in the place of those whose image is another one by then. Throws where a build failed. */
  rebuild(services: readonly string[]): Promise<void>;
}

export interface SyncResult {
  readonly copied: number;
  readonly removed: number;
  readonly failures: readonly string[];
}

export interface ProjectWatchOptions {
  readonly rules: readonly WatchedRule[];
  readonly port: WatchPort;
  readonly clock: Clock;
  readonly times?: BatchTimes;
  readonly tell: (service: string, message: string) => void;
  readonly warn: (message: string) => void;
  /** Watching goes on after an engine that ended: what changed since then is copied as well. */
  readonly sinceMs?: number;
  readonly notes: SourceNotes;
}

/**
 * Watches the sources of one project and brings what changes into its containers.
 * Invariants: a service's batches are worked on one after the other, those of different services independently; there is at most one rebuild at a time, and
 * what asks for one meanwhile leads to exactly one more; every path that changed since the start is copied again into a container that starts, before its
 * process does, where it is not there yet; a failure is told and ends nothing.
 */
export class ProjectWatch {
  readonly #o: ProjectWatchOptions;
  readonly #lanes = new Map<string, ChangeBatches>();
  readonly #rebuilds: ChangeBatches;
  /** Of each service, every path that changed since the start. */
  readonly #touched = new Map<string, Set<string>>();
  /** Of each service and path, what was there when it was last worked on. */
  readonly #worked = new Map<string, Map<string, string>>();
  #watcher: SourceWatcher | undefined;
  #last: string | undefined;
  #saidNotes = false;

  constructor(o: ProjectWatchOptions) {
    this.#o = o;
    const { clock } = o;
    for (const service of new Set(o.rules.map((rule) => rule.service))) {
      const copiesOnly = o.rules.every((rule) => rule.service !== service || rule.action === "sync");
      const times = o.times ?? (copiesOnly ? copyTimes : batchTimes);
      this.#lanes.set(service, new ChangeBatches({ clock, times, work: (paths) => this.#batch(service, paths) }));
    }
    // A few milliseconds, so that services of one batch are built together.
    const together = { quietMs: 5, goneQuietMs: 5, longestMs: 20 };
    this.#rebuilds = new ChangeBatches({ clock, times: together, work: (services) => this.#rebuild(services) });
  }

  /** What it did last, for people. */
  get last(): string | undefined {
    return this.#last;
  }
  get services(): readonly string[] {
    return [...this.#lanes.keys()];
  }

  /** Settles when every change from then on is seen. */
  async start(): Promise<void> {
    const { rules, sinceMs } = this.#o;
    this.#watcher = new SourceWatcher({
      rules,
      changed: (path, state) => this.#changed(path, state),
      failed: (message) => {
        this.#last = message;
        this.#o.warn(message);
      },
    });
    await this.#watcher.ready;
    this.#touchRemoved();
    for (const rule of rules) {
      if (!copies(rule.action) || !(rule.initialSync || sinceMs !== undefined)) continue;
      const paths = await sourceFiles(rule, (stat) => rule.initialSync || stat.ctimeMs > (sinceMs ?? 0));
      this.#touch(rule.service, paths);
    }
    for (const [service, paths] of this.#touched) {
      if (paths.size === 0) continue;
      for (const container of this.#o.port.running(service)) await this.#bringIn(service, container, [...paths], true, "first sync");
    }
  }

  /** A container of the service is about to start: its root is there, its process waits. */
  async starting(service: string, container: { readonly id: string; readonly name: string }): Promise<void> {
    const paths = this.#touched.get(service);
    if (paths?.size) await this.#bringIn(service, container, [...paths], true, "before the start");
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
    await this.#rebuilds.close();
  }

  #changed(path: string, state: "there" | "gone"): void {
    const concerned = new Set(this.#o.rules.filter((rule) => relevantPath(rule, path) !== undefined).map((rule) => rule.service));
    for (const service of concerned) {
      this.#touch(service, [path]);
      this.#lanes.get(service)?.add(path, state);
    }
  }

  /** What the watch before saw and is not there any more is removed, where this one goes on from that. */
  #touchRemoved(): void {
    const { rules, sinceMs } = this.#o;
    const there = this.#watcher?.paths() ?? [];
    if (sinceMs !== undefined) {
      const known = new Set(there);
      let removed: string[] = [];
      this.#note((notes) => {
        removed = notes.read().filter((path) => !known.has(path) && pathState(path) === "gone");
      });
      for (const rule of rules)
        this.#touch(
          rule.service,
          removed.filter((path) => relevantPath(rule, path) !== undefined),
        );
    }
    this.#note((notes) => notes.begin(there.filter((path) => rules.some((rule) => relevantPath(rule, path) !== undefined))));
  }

  /** A disk that is full is no reason not to copy. */
  #note(work: (notes: SourceNotes) => void): void {
    try {
      work(this.#o.notes);
    } catch (error) {
      if (!this.#saidNotes) this.#o.warn(`what is removed while no engine runs will not be seen by the next one: ${messageOf(error)}`);
      this.#saidNotes = true;
    }
  }

  #touch(service: string, paths: readonly string[]): void {
    const set = this.#touched.get(service) ?? new Set();
    this.#touched.set(service, set);
    for (const path of paths) set.add(path);
  }

  async #batch(service: string, paths: readonly string[]): Promise<void> {
    const rules = this.#o.rules.filter((rule) => rule.service === service);
    this.#note((notes) => notes.add(paths));
    try {
      for (const work of watchPlan(rules, this.#fresh(service, paths))) {
        if (work.kind === "rebuild") {
          this.#say(service, `${shown(work.paths, rules)} changed: rebuild`);
          this.#rebuilds.add(service, "there");
        } else await this.#update(work, rules);
      }
    } catch (error) {
      this.#say(service, messageOf(error));
    }
  }

  /** One change may be told several times, and late: those paths that are not as they were when they were last worked on. */
  #fresh(service: string, paths: readonly string[]): string[] {
    const worked = this.#worked.get(service) ?? new Map<string, string>();
    this.#worked.set(service, worked);
    return paths.filter((path) => {
      const is = pathState(path);
      if (worked.get(path) === is) return false;
      worked.set(path, is);
      return true;
    });
  }

  async #update(work: ServiceWork & { kind: "update" }, rules: readonly WatchedRule[]): Promise<void> {
    const { service } = work;
    const { port } = this.#o;
    const containers = port.running(service);
    const what = shown(work.paths, rules);
    if (containers.length === 0) {
      this.#say(service, `${what} changed: kept for the next start, because ${service} does not run`);
      return;
    }
    for (const container of containers) await this.#syncAll(service, container, work.syncs, false, what);
    if (work.restart) {
      await port.restart(service);
      this.#say(service, `${what} changed: restarted`);
    }
    for (const exec of work.execs) {
      for (const container of port.running(service)) {
        const { exitCode, output } = await port.exec(container.id, exec);
        const said = output.trim();
        const result = exitCode === 0 ? "done" : `exit code ${exitCode}`;
        this.#say(service, `exec ${exec.command.join(" ")}: ${result}${said ? `\n${said}` : ""}`);
      }
    }
  }

  async #bringIn(
    service: string,
    container: { readonly id: string; readonly name: string },
    paths: readonly string[],
    ifDifferent: boolean,
    why: string,
  ): Promise<void> {
    const rules = this.#o.rules.filter((rule) => rule.service === service && copies(rule.action));
    for (const work of watchPlan(rules, paths))
      if (work.kind === "update") await this.#syncAll(service, container, work.syncs, ifDifferent, why);
  }

  async #syncAll(
    service: string,
    container: { readonly id: string; readonly name: string },
    syncs: readonly ServiceSync[],
    ifDifferent: boolean,
    what: string,
  ): Promise<void> {
    let [copied, removed] = [0, 0];
    const failures: string[] = [];
    for (const sync of syncs) {
      try {
        const result = await this.#o.port.sync(container.id, { ...sync, ifDifferent });
        copied += result.copied;
        removed += result.removed;
        failures.push(...result.failures);
      } catch (error) {
        failures.push(`${sync.target}: ${messageOf(error)}`);
      }
    }
    if (copied + removed > 0)
      this.#say(service, `${what}: ${[copied ? `${copied} copied` : "", removed ? `${removed} removed` : ""].filter(Boolean).join(", ")}`);
    if (failures.length > 0) {
      const more = failures.length > 3 ? ` (and ${failures.length - 3} more)` : "";
      this.#say(service, `not copied into ${container.name}: ${failures.slice(0, 3).join("; ")}${more}`);
    }
  }

  async #rebuild(services: readonly string[]): Promise<void> {
    try {
      await this.#o.port.rebuild(services);
      for (const service of services) this.#say(service, "rebuilt");
    } catch (error) {
      for (const service of services) this.#say(service, `the build failed, the old container goes on: ${withHint(error)}`);
    }
  }

  #say(service: string, message: string): void {
    this.#last = `${service}: ${message.split("\n", 1)[0]}`;
    this.#o.tell(service, message);
  }
}

/** The hint of a failed step is the end of what it printed. */
function withHint(error: unknown): string {
  return error instanceof BerthError && error.hint ? `${error.message}\n${error.hint}` : messageOf(error);
}

/** "src/a.js", or "src/a.js and 4 more". */
function shown(paths: readonly string[], rules: readonly WatchedRule[]): string {
  const [first = ""] = paths;
  const rule = rules.find((one) => relevantPath(one, first) !== undefined);
  const parent = rule ? rule.path.slice(0, rule.path.lastIndexOf("/") + 1) : "";
  const name = first.startsWith(parent) ? first.slice(parent.length) : first;
  return paths.length > 1 ? `${name} and ${paths.length - 1} more` : name;
}
