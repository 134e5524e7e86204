import type { Host } from "../system/index.ts";
import { killCgroup } from "./cgroup.ts";
import type { ContainerPaths } from "./container-paths.ts";
import { isMonitored } from "./container-process.ts";
import type { ExitFiles } from "./exit-files.ts";

/** A monitor ends without a word only where somebody killed it. */
const lookMs = 3000;

interface LostMonitorsOptions {
  readonly paths: ContainerPaths;
  readonly exits: ExitFiles;
  readonly host: Host;
  readonly log: { warn(data: object, message: string): void };
}

/** Ends containers whose monitor was killed, with everything in their cgroups: nobody would tell their exit. */
export class LostMonitors {
  readonly #o: LostMonitorsOptions;
  #look: NodeJS.Timeout | undefined;

  constructor(o: LostMonitorsOptions) {
    this.#o = o;
  }

  watch(): void {
    const { exits, paths } = this.#o;
    this.#look = setInterval(() => {
      for (const id of exits.expected()) if (!isMonitored(paths, id)) this.end(id);
    }, lookMs).unref();
  }

  close(): void {
    clearInterval(this.#look);
  }

  /** One that has ended by itself is left to its exit file. */
  end(id: string): void {
    const { exits, host, log, paths } = this.#o;
    if (exits.exitOf(id)) return;
    log.warn({ container: id, effect: "the container is ended" }, "the monitor of a container is gone");
    killCgroup(host, paths.cgroupsPath(id));
    exits.tellLost(id);
  }
}
