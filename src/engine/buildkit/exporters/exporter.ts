import type { Progress, Solved } from "../../../build/index.ts";
import type { RegistryAuth } from "../../../image/index.ts";
import type { ClientSession } from "../client-session.ts";

/** Where the result of a build goes. Answers what the client is told of it (BuildKit's exporter/containerimage/exptypes). */
export type Exporter = (result: Solved, context: ExportContext) => Promise<Readonly<Record<string, string>>>;

export interface ExportContext {
  readonly attrs: Readonly<Record<string, string>>;
  /** The place of this exporter among those of its build: a client tells its outputs apart by it. */
  readonly index: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  session(): Promise<ClientSession>;
  credentials(domain: string): Promise<RegistryAuth | undefined>;
}

export const fileSend = "moby.filesync.v1.FileSend";
