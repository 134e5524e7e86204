import { createHash, randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import type { ImageConfig } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { BuildLogs } from "./build-logs.ts";
import type { BuildOptions } from "./build-options.ts";
import type { BuildRequest } from "./build-request.ts";
import { BuildCache, type CacheRecord, type PruneOptions } from "./cache/build-cache.ts";
import { FileDigests } from "./cache/file-digests.ts";
import { MountLocks } from "./cache/mount-locks.ts";
import { StepsInFlight } from "./cache/steps-in-flight.ts";
import { CachedBases } from "./cached-bases.ts";
import { checkDockerfile } from "./checks/check-dockerfile.ts";
import { checkVariables } from "./checks/variable-checks.ts";
import type { Warn } from "./checks/warn.ts";
import { contextPaths } from "./context/context-paths.ts";
import { Contexts } from "./context/contexts.ts";
import type { Dockerfile } from "./dockerfile/parse-dockerfile.ts";
import { globalArgs } from "./global-args.ts";
import type { BaseImage, BuildImages } from "./images.ts";
import { type Material, Materials } from "./materials.ts";
import { openDirectoryLayout } from "./open-layout.ts";
import { Progress } from "./progress.ts";
import type { BlobDescriptor } from "./remote-cache/cache-content.ts";
import { CompressedLayers } from "./remote-cache/compressed-layers.ts";
import { exportCaches } from "./remote-cache/export-caches.ts";
import { ImportedCaches } from "./remote-cache/imported-caches.ts";
import { UsedSteps } from "./remote-cache/used-steps.ts";
import { epochOf, unknownArgs, wantsInlineCache } from "./request-args.ts";
import { requestedDockerfile } from "./requested-dockerfile.ts";
import type { Session } from "./session.ts";
import { SshAgents } from "./ssh-agents.ts";
import { StageBuilder } from "./stage-builder.ts";
import { imageConfigOf, type StageState } from "./stage-state.ts";
import { plannedSteps } from "./step-listener.ts";
import type { StepRunner } from "./step-runner.ts";

interface Logger {
  info(data: object, message: string): void;
}

/** What a build made, before anything of it is an image. Its layers are in the store as long as the build cache keeps them. */
export interface Solved extends Pick<BaseImage, "config" | "chainIds"> {
  /** Overlay directories, top first. */
  readonly lowerDirs: readonly string[];
  readonly epochIso: string | undefined;
  readonly logFile: string;
  /** What the last cache export wrote. */
  readonly cacheManifest: BlobDescriptor | undefined;
  /** What it was made of that is not the client's own. */
  readonly materials: readonly Material[];
}

/**
 * Dockerfiles to images. Owns the build cache and the logs of builds below `rootDir`; layers and images are the image store's. A build that is
 * cancelled or killed leaves finished steps in the cache and nothing else.
 */
export class Builder {
  private readonly o: { images: BuildImages; rootDir: string; runner: StepRunner; log: Logger };
  private readonly cache: BuildCache;
  private readonly digests: FileDigests;
  private readonly logs: BuildLogs;
  private readonly compressed: CompressedLayers;
  private readonly inFlight = new StepsInFlight();
  private readonly mountLocks = new MountLocks();
  private readonly limit = pLimit(Math.max(2, availableParallelism()));

  constructor(o: { images: BuildImages; rootDir: string; runner: StepRunner; log: Logger; maxCacheBytes?: number }) {
    this.o = o;
    rmSync(join(o.rootDir, "scratch"), { recursive: true, force: true });
    for (const name of ["scratch", "mounts"]) mkdirSync(join(o.rootDir, name), { recursive: true, mode: 0o700 });
    this.cache = new BuildCache({ directory: join(o.rootDir, "records"), images: o.images, maxBytes: o.maxCacheBytes ?? 20 * 1024 ** 3 });
    this.logs = new BuildLogs(join(o.rootDir, "logs"));
    this.digests = new FileDigests(join(o.rootDir, "file-digests.json"));
    this.compressed = new CompressedLayers(join(o.rootDir, "compressed-layers.json"));
    o.images.addLayerRoots?.(() => this.cache.chainIds());
  }

  /** @throws BerthError build/*: with file and line where an instruction is to blame; `build/step-failed` for a RUN that ended with an error */
  async build(request: BuildRequest, options: BuildOptions): Promise<{ imageId: string; logFile: string }> {
    return await this.run(request, options, async ({ config, progress, cacheManifest, unknownArgs }) => {
      if (unknownArgs.length > 0) progress.warn(`One or more build-args [${unknownArgs.join(" ")}] were not consumed`);
      const imageId = await progress.run(progress.declare("exporting to image"), async (step) => {
        const id = this.o.images.createImage({
          config,
          ...(request.tags?.length ? { tags: request.tags } : {}),
        });
        void step.log(2, [`writing image ${id}`, ...(request.tags ?? []).map((tag) => `naming to ${tag}`), ""].join("\n"));
        return id;
      });
      await cacheManifest();
      this.o.log.info({ image: imageId, build: request.name }, "image built");
      return { imageId, logFile: progress.logFile };
    });
  }

  /** The same without the image: for results that go elsewhere. `tags` are the caller's business. */
  async solve(request: BuildRequest, options: BuildOptions): Promise<Solved> {
    return await this.run(request, options, async ({ state, config, epochIso, progress, materials, cacheManifest }) => ({
      config,
      chainIds: state.layers.map((layer) => layer.chainId),
      lowerDirs: state.lowerDirs,
      epochIso,
      logFile: progress.logFile,
      materials,
      cacheManifest: await cacheManifest(),
    }));
  }

  /** Reads and parses the Dockerfile of a request, and does nothing else. */
  async readDockerfile(request: BuildRequest, options: BuildOptions): Promise<Dockerfile> {
    const scratch = this.newScratch();
    const progress = new Progress(options);
    try {
      const contexts = new Contexts({ request, scratch, signal: options.signal, progress });
      const { target: _, ...whole } = request;
      return (await requestedDockerfile(contexts, whole, options.onDockerfile)).dockerfile;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  /** Where a build may put files: made by who needs it, gone with the build. */
  private newScratch(): string {
    return join(this.o.rootDir, "scratch", randomBytes(8).toString("hex"));
  }

  private async run<T>(request: BuildRequest, options: BuildOptions, finish: (built: Built) => Promise<T>): Promise<T> {
    const scratch = this.newScratch();
    const failed = new AbortController();
    const signal = AbortSignal.any([options.signal, failed.signal]);
    // Each step that is being done listens to it, and there may be any number of them. Not 0: Node then takes the signal for none (getMaxListeners).
    setMaxListeners(Number.POSITIVE_INFINITY, signal);
    const progress = new Progress(options, this.logs.next());
    const sshAgents = new SshAgents({ request, directory: scratch, signal });
    let stages: StageBuilder | undefined;
    const materials = new Materials();
    const imported = new ImportedCaches({ images: this.o.images, cache: this.cache, progress, signal });
    try {
      const contexts = new Contexts({ request, scratch, signal, progress });
      const { dockerfile, target } = await requestedDockerfile(contexts, request, options.onDockerfile);
      tellWarnings(dockerfile, target, progress);
      const globals = globalArgs(dockerfile, request);
      contexts.narrow(contextPaths(dockerfile, target));
      await contexts.prepare();
      const epochIso = epochOf(request);
      await imported.open(request.noCache ? [] : (request.cacheFrom ?? []), options.openCache);
      const { steps } = options;
      steps?.planned(plannedSteps(dockerfile, target));
      const session: Session = {
        request,
        dockerfile,
        images: this.o.images,
        runner: this.o.runner,
        cache: this.cache,
        imported,
        used: new UsedSteps(),
        digests: this.digests,
        inFlight: this.inFlight,
        mountLocks: this.mountLocks,
        contexts,
        materials,
        sshAgents,
        progress,
        steps: {
          inOrder: steps !== undefined,
          began: (line, vertex) => steps?.began(line, vertex),
          looked: (vertex, found) => steps?.looked(vertex, found),
          done: (line, state) => steps?.done(line, imageName(imageConfigOf(state, {}, epochIso))),
        },
        pullImage: options.pullImage,
        openLayout: options.openLayout ?? openDirectoryLayout,
        peekImage: options.peekImage,
        bases: options.baseSource ? new CachedBases(this.cache, options.baseSource) : undefined,
        lazyBases: (request.cacheFrom?.length ?? 0) > 0 && !request.noCache,
        mountCacheDir: join(this.o.rootDir, "mounts"),
        globals,
        epochIso,
        signal,
        limit: this.limit,
      };
      for (;;) {
        stages = new StageBuilder(session);
        try {
          const state = await stages.stage(target);
          await imported.ensure(state.layers);
          const plain = imageConfigOf(state, request.labels ?? {}, epochIso);
          const config = wantsInlineCache(request) ? session.used.inline(plain, state.layers) : plain;
          const result = await finish({
            state,
            config,
            epochIso,
            progress,
            materials: materials.list(),
            unknownArgs: unknownArgs(request, new Set([...stages.variables.usedArgs, ...globals.keys()])),
            cacheManifest: () => exportCaches(request, state, { session, compressed: this.compressed, open: options.openCache, scratch }),
          });
          this.cache.evict();
          return result;
        } catch (error) {
          // A layer of an imported cache could not be had: without that cache its steps are done.
          await stages.settled();
          if (signal.aborted || !imported.takeBroken()) throw error;
        }
      }
    } catch (error) {
      failed.abort(error);
      if (options.signal.aborted) throw new BerthError("build/cancelled", "the build was cancelled", { cause: error });
      throw error;
    } finally {
      await stages?.settled();
      await imported.close();
      await sshAgents.close();
      rmSync(scratch, { recursive: true, force: true });
      this.digests.save();
      await progress.close();
    }
  }

  /** Only what the checks say of a Dockerfile; nothing is built. */
  async check(request: BuildRequest, options: BuildOptions): Promise<{ logFile: string }> {
    const scratch = this.newScratch();
    const progress = new Progress(options, this.logs.next());
    try {
      const { dockerfile } = await requestedDockerfile(new Contexts({ request, scratch, signal: options.signal, progress }), request);
      const { file } = dockerfile;
      this.lint(dockerfile, request, (message, rule, line) => progress.warn(message, rule, { file, line }));
      return { logFile: progress.logFile };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
      await progress.close();
    }
  }

  /** Tells everything that the checks say of a Dockerfile that was read. */
  lint(dockerfile: Dockerfile, request: BuildRequest, tell: Warn): void {
    checkDockerfile(dockerfile, undefined, tell, (warn) => checkVariables(dockerfile, request, (ref) => this.configInStore(ref), warn));
  }

  private configInStore(ref: string): ImageConfig | undefined {
    try {
      return this.o.images.resolve(ref)?.config;
    } catch {
      return undefined; // no name of an image
    }
  }

  prune(o: PruneOptions = {}): { keys: string[]; bytes: number } {
    return this.cache.prune(o);
  }

  diskUsage(): readonly CacheRecord[] {
    return this.cache.list();
  }
}

interface Built {
  readonly state: StageState;
  readonly config: ImageConfig;
  readonly epochIso: string | undefined;
  readonly progress: Progress;
  readonly materials: readonly Material[];
  /** Build arguments that nothing declared. */
  readonly unknownArgs: readonly string[];
  /** Writes the caches that were asked for, when the result is where it belongs. */
  cacheManifest(): Promise<BlobDescriptor | undefined>;
}

/** Tells what the checks say; with `# check=error=true` that ends the build. */
function tellWarnings(dockerfile: Dockerfile, target: number, progress: Progress): void {
  const { file } = dockerfile;
  const broken = new Set<string>();
  checkDockerfile(dockerfile, target, (message, rule, line) => {
    broken.add(rule);
    progress.warn(message, rule, { file, line });
  });
  if (broken.size === 0 || !dockerfile.directives.check?.error) return;
  throw new BerthError("build/dockerfile", `lint violation found for rules: ${[...broken].sort().join(", ")}`, {
    place: { file },
    hint: "`# check=error=true` makes every warning an error.",
  });
}

/** The id that an image of this configuration would have. */
function imageName(config: ImageConfig): string {
  return `sha256:${createHash("sha256").update(JSON.stringify(config)).digest("hex")}`;
}
