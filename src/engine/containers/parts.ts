import type { Networks } from "../../network/index.ts";
import type { Runtime, Volumes } from "../../runtime/index.ts";
import type { BerthPaths } from "../../system/index.ts";
import type { Images, Logger } from "../ports.ts";
import type { ContainerBook } from "./book.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { HealthMonitor } from "./health-monitor.ts";
import type { Live } from "./live.ts";
import type { ContainerLocks } from "./locks.ts";
import type { RequestedRestarts } from "./requested-restarts.ts";
import type { ContainerWaits } from "./waits.ts";

/** What the acts on a container share. */
export interface ContainerParts {
  readonly paths: BerthPaths;
  readonly runtime: Runtime;
  readonly networks: Networks;
  readonly images: Images;
  readonly volumes: Volumes;
  readonly log: Logger;
  readonly book: ContainerBook;
  readonly live: Map<string, Live>;
  readonly locks: ContainerLocks;
  readonly waits: ContainerWaits;
  readonly restarts: RequestedRestarts;
  readonly health: HealthMonitor;
  /** Done between the making of a container's root and the start of its process. */
  readonly beforeStart: Set<(container: ContainerRecord) => Promise<void>>;
}
