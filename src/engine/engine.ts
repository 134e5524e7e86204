import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Builder } from "../build/index.ts";
import { ImageStore } from "../image/index.ts";
import { Networks } from "../network/index.ts";
import { prepareHost, Runtime, sweepSteps, VolumeSnapshots, Volumes } from "../runtime/index.ts";
import { BerthError, type BerthPaths, describeHost, lockFile, messageOf } from "../system/index.ts";
import { archiveRoutes } from "./archive/archive-routes.ts";
import { buildkitRoutes, LocalSources } from "./buildkit/index.ts";
import { buildRoutes } from "./builds/build-routes.ts";
import { buildRunner } from "./builds/build-runner.ts";
import { localBuildRoutes } from "./builds/local-build-routes.ts";
import { containerContentRoutes } from "./container-api/container-content-routes.ts";
import { containerListRoutes } from "./container-api/container-list-routes.ts";
import { containerRoutes } from "./container-api/container-routes.ts";
import { type Exec, execIdsOf, execRoutes } from "./container-api/exec-routes.ts";
import { statsRoutes } from "./container-api/stats-routes.ts";
import type { ContainerRecord } from "./containers/container-record.ts";
import { Containers } from "./containers/containers.ts";
import { diskUsageRoutes } from "./daemon/disk-usage-routes.ts";
import { swarmRoutes } from "./daemon/swarm-routes.ts";
import { systemRoutes } from "./daemon/system-routes.ts";
import { EventBus } from "./event-bus.ts";
import { ApiServer } from "./http/server.ts";
import type { TlsAddress } from "./http/tls-address.ts";
import { distributionRoutes } from "./images/distribution-routes.ts";
import { imageRoutes } from "./images/image-routes.ts";
import { imageTransferRoutes } from "./images/image-transfer-routes.ts";
import { networkRoutes } from "./network-routes.ts";
import type { Logger } from "./ports.ts";
import { projectBackend } from "./projects/project-backend.ts";
import { ProjectImages } from "./projects/project-images.ts";
import { projectRoutes } from "./projects/project-routes.ts";
import { StoredProjects } from "./projects/project-store.ts";
import { Projects } from "./projects/projects.ts";
import { snapshotRoutes } from "./projects/snapshot-routes.ts";
import { Records } from "./records.ts";
import { volumeRoutes } from "./volume-routes.ts";

export interface EngineOptions {
  readonly paths: BerthPaths;
  readonly log: Logger;
  /** The engine ends when nothing ran and nobody was connected for so long. 0: never. */
  readonly idleMs: number;
  /** Answers there, too. */
  readonly tcp?: TlsAddress;
}

export interface Engine {
  /** Settles when the engine has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts the engine of these directories: takes its locks, adopts what a former engine left, listens.
 * @throws BerthError system/not-root, system/locked, system/missing-tool
 */
export async function startEngine({ paths, log, idleMs, tcp }: EngineOptions): Promise<Engine> {
  const found = describeHost();
  if (!found.isRoot)
    throw new BerthError("system/not-root", "the engine has to be root to make namespaces, mounts and bridges", {
      hint: "Run it with sudo.",
    });
  if (!found.cgroup2Mount && Object.keys(found.cgroupV1Mounts).length === 0)
    throw new BerthError("system/no-cgroups", "no cgroups are mounted: containers could neither be limited nor counted", {
      hint: "systemd mounts them; without it: `mount -t cgroup2 cgroup2 /sys/fs/cgroup`.",
    });
  mkdirSync(paths.root, { recursive: true, mode: 0o711 });
  mkdirSync(paths.run, { recursive: true, mode: 0o711 });
  const locks = await Promise.all([paths.root, paths.run].map((directory) => lockDirectory(directory)));
  const warnings: string[] = [];
  const prepared = prepareHost(found);
  warnings.push(...prepared.warnings);
  const host = prepared.host;
  const runtime = new Runtime({ root: paths.root, run: paths.run, instance: paths.instance, host, log });
  const images = new ImageStore({ rootDir: join(paths.root, "image") });
  const volumes = new Volumes(paths.root);
  const networks = new Networks({ root: paths.root, instance: paths.instance, log });
  const events = new EventBus();
  const records = new Records<ContainerRecord>(join(paths.root, "records"), (id, error) =>
    log.warn({ container: id, err: messageOf(error), effect: "the next engine works its end out again" }, "an end could not be written"),
  );
  const store = new StoredProjects(paths.root);
  await sweepSteps({ run: paths.run, instance: paths.instance, host });
  for (const file of [...images.open(), ...volumes.open(), ...(await networks.open()), ...records.open(), ...store.open()]) {
    warnings.push(`a state file could not be read and was moved aside: ${file}`);
    log.warn({ file, effect: "what it described is gone" }, "an unreadable state file was moved aside");
  }
  const containers = new Containers({ paths, records, runtime, networks, images, volumes, events, log });
  await containers.open();
  await networks.releaseAllBut(new Set(containers.list().map((container) => container.Id)));
  const builder = new Builder({ images, rootDir: join(paths.root, "build"), runner: buildRunner({ paths, host, networks }), log });
  const { port } = new ProjectImages({ images, builder, containers });
  const parts = { containers, networks, volumes, runtime, events, images: port, writeFile: store.writeFile, socket: paths.socket };
  const projects = new Projects({ backend: projectBackend(parts), store, log });
  const sources = new LocalSources(join(paths.root, "build", "clients"));
  const buildkit = buildkitRoutes({
    paths,
    builder,
    images,
    sources,
    hostGateway: () => networks.get("bridge").IPAM.Config[0]?.Gateway ?? "",
  });
  const startedAt = new Date().toISOString();
  let stopNow: () => void = () => {};
  const imageBytes = (id: string) => images.resolve(id)?.size ?? 0;
  const execs = new Map<string, Exec>();
  const server = new ApiServer(
    [
      ...systemRoutes({
        paths,
        host,
        containers,
        events,
        imageCount: () => images.list().length,
        warnings,
        startedAt,
        stop: () => stopNow(),
      }),
      ...swarmRoutes(),
      ...containerListRoutes({ containers, runtime, events, image: (id) => images.resolve(id), imageBytes }),
      ...containerRoutes({ containers, runtime, events, imageBytes, execIds: (id) => execIdsOf(execs, id) }),
      ...archiveRoutes({ containers, events }),
      ...statsRoutes({ containers, runtime }),
      ...containerContentRoutes({ containers, runtime, images, events }),
      ...execRoutes({ containers, runtime, events, execs }),
      ...buildRoutes({ builder, images, sources, events, buildkit: buildkit.build }),
      ...buildkit.routes,
      ...localBuildRoutes(builder, images),
      ...imageTransferRoutes(images),
      ...distributionRoutes(),
      ...diskUsageRoutes({ images, builder, sources, containers, volumes, upperDir: (id) => join(runtime.directory(id), "upper") }),
      ...projectRoutes(projects),
      ...snapshotRoutes(projects, new VolumeSnapshots(paths.root, volumes)),
      ...imageRoutes({ images, containers, events }),
      ...networkRoutes({ networks, containers, events }),
      ...volumeRoutes({ volumes, containers, events }),
    ],
    log,
  );
  await server.listen(paths.socket);
  if (tcp) await server.listenTls(tcp);
  projects.resume();
  writeFileSync(join(paths.run, "engine.pid"), `${process.pid}\n`);
  log.info({ socket: paths.socket, runtime: host.runtime, cgroup: host.cgroupMode, warnings: warnings.length }, "engine started");
  let tellEnded: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    tellEnded = resolve;
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      clearInterval(idle);
      await projects.close();
      await buildkit.close();
      await server.close();
      await containers.close();
      await networks.close();
      for (const name of ["engine.sock", "engine.pid"]) rmSync(join(paths.run, name), { force: true });
      log.info({}, "engine stopped");
      for (const lock of locks) lock.release();
      tellEnded();
    })();
    return stopping;
  };
  const idle = setInterval(
    () => {
      const busy = containers.running().length > 0 || server.connections > 0 || projects.isBusy;
      if (idleMs > 0 && !busy && Date.now() - server.lastUseMs > idleMs) void stop();
    },
    Math.max(1000, Math.min(30_000, idleMs || 30_000)),
  );
  stopNow = () => void stop();
  return { ended, stop };
}

/** Holds the directory as long as this process lives, and writes there who holds it. */
async function lockDirectory(directory: string): Promise<{ release(): void }> {
  const file = join(directory, "engine.lock");
  try {
    const lock = await lockFile(file);
    writeFileSync(file, `${process.pid}\n`);
    return lock;
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== "system/locked") throw error;
    const { readFileSync } = await import("node:fs");
    throw new BerthError("system/locked", `another engine (pid ${readFileSync(file, "utf8").trim()}) uses ${directory}`, {
      hint: "`berth engine status` shows it; BERTH_ROOT and BERTH_RUN choose other directories.",
      cause: error,
    });
  }
}
