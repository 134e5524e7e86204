import { join } from "node:path";
import pino from "pino";
import { adoptOrphans, BerthError, berthPaths, errnoOf, formatError, messageOf } from "../system/index.ts";
import { startEngine } from "./engine.ts";
import { EngineLog } from "./engine-log.ts";
import { tlsAddress } from "./http/tls-address.ts";

// The entry of the engine's process: `berth engine` runs it in the foreground, the command line starts it detached.
const paths = berthPaths(process.env);
const foreground = process.argv.includes("--foreground");
const idleMs = Number(process.env["BERTH_IDLE_SECONDS"] ?? (foreground ? 0 : 300)) * 1000;
try {
  const tcp = tlsAddress(process.argv.slice(2));
  const { mkdirSync } = await import("node:fs");
  mkdirSync(paths.root, { recursive: true, mode: 0o711 });
  const log = pino(
    { level: process.env["BERTH_LOG_LEVEL"] ?? "info", base: { pid: process.pid } },
    foreground ? pino.destination({ dest: 2, sync: true }) : new EngineLog(join(paths.root, "engine.log")),
  );
  // Modes of what is made for containers and images are not the affair of the shell that the engine happens to come from (umask(2); dockerd has 022, too).
  process.umask(0o022);
  adoptOrphans();
  // A client may see the socket, and end the engine, before it has started in full.
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
  });
  const engine = await startEngine({ paths, log, idleMs, ...(tcp ? { tcp } : {}) });
  void signalled.then(() => engine.stop());
  await engine.ended;
  process.exit(0);
} catch (error) {
  const path = error instanceof Error && "path" in error ? String(error.path) : undefined;
  if (!(error instanceof BerthError) && (path === undefined || !errnoOf(error))) throw error;
  console.error(formatError(error instanceof BerthError ? error : unusableFile(error, path)));
  process.exit(1);
}

/** What the directories of an engine can have: a read-only file system, somebody else's files, a disk that is broken. */
function unusableFile(error: unknown, path: string | undefined): BerthError {
  return new BerthError("system/syscall", `the engine cannot use ${path}: ${messageOf(error)}`, {
    hint: `It writes to ${paths.root} and ${paths.run}; BERTH_ROOT and BERTH_RUN choose other directories.`,
    cause: error,
  });
}
