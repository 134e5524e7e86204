import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { BuildEvent } from "../../src/api/index.ts";
import { Builder, type BuildRequest, type StepRunner } from "../../src/build/index.ts";
import { openBuildCache } from "../../src/engine/builds/build-caches.ts";
import { ImageStore, loadArchive, pull, remoteConfig, type StoredImage } from "../../src/image/index.ts";
import { runStep } from "../../src/runtime/index.ts";
import { describeHost } from "../../src/system/index.ts";
import { busyboxArchive } from "./busybox-image.ts";

/** A file of a test's context: its text, or text and mode. */
export type ContextFiles = Readonly<Record<string, string | readonly [string, number]>>;

export interface Built {
  readonly imageId: string;
  readonly image: StoredImage;
  readonly contextDir: string;
  readonly events: readonly BuildEvent[];
  /** Names of the steps that came from the cache, base images aside. */
  readonly cached: readonly string[];
  readonly warnings: readonly string[];
  /** What the steps wrote. */
  readonly output: string;
  /** A file of the topmost layer that has it. */
  read(path: string): string | undefined;
  /** "755 33:44" of the topmost entry of that path. */
  stat(path: string): string | undefined;
}

/** A builder with a store of its own (busybox is in it) and real steps, without an engine. */
export interface BuildRoom extends AsyncDisposable {
  readonly root: string;
  readonly images: ImageStore;
  readonly builder: Builder;
  readonly runner: StepRunner;
  /** How many processes were run for steps. */
  readonly runs: () => number;
  context(files: ContextFiles): string;
  /** With `onPull`, which is told of each, base images come from registries. */
  build(
    files: ContextFiles,
    o?: Partial<BuildRequest> & { signal?: AbortSignal; onEvent?: (event: BuildEvent) => void; onPull?: (ref: string) => void },
  ): Promise<Built>;
}

export async function buildRoom(): Promise<BuildRoom> {
  const root = mkdtempSync(join(tmpdir(), "berth-build-"));
  const host = describeHost();
  const images = new ImageStore({ rootDir: join(root, "image") });
  images.open();
  await loadArchive(images, Readable.from([busyboxArchive()]), new AbortController().signal);
  let runs = 0;
  const runner: StepRunner = {
    run: ({ network, ...step }) => {
      runs += 1;
      return runStep(
        { run: join(root, "run"), instance: "buildtest", host },
        { ...step, netns: network === "none" ? "none" : "host", hosts: "127.0.0.1 localhost\n", resolvConf: "" },
      );
    },
  };
  const builder = new Builder({ images, rootDir: join(root, "build"), runner, log: { info: () => {} } });
  const context = (files: ContextFiles) => {
    const directory = mkdtempSync(join(root, "context-"));
    writeContext(directory, files);
    return directory;
  };
  return {
    root,
    images,
    builder,
    runner,
    runs: () => runs,
    context,
    build: async (files, { signal = new AbortController().signal, onEvent, onPull, ...o } = {}) => {
      const events: BuildEvent[] = [];
      const contextDir = o.contextDir ?? context(files);
      const { imageId } = await builder.build(
        { args: {}, ...o, ...(o.remote || o.contextTar ? {} : { contextDir }) },
        {
          signal,
          openCache: openBuildCache(images, () => undefined),
          ...(onPull
            ? {
                peekImage: async (ref, asked) => await remoteConfig(images, ref, { signal: asked.signal }),
                pullImage: async (ref, asked) => {
                  onPull(ref);
                  return await pull(images, ref, { signal: asked.signal });
                },
              }
            : {}),
          onEvent: (event) => {
            events.push(event);
            onEvent?.(event);
          },
        },
      );
      return result(images, imageId, contextDir, events);
    },
    [Symbol.asyncDispose]: async () => {
      await images.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export function writeContext(directory: string, files: ContextFiles): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(join(path, ".."), { recursive: true });
    const [text, mode] = typeof content === "string" ? [content, undefined] : content;
    writeFileSync(path, text);
    if (mode !== undefined) chmodSync(path, mode);
  }
}

function result(images: ImageStore, imageId: string, contextDir: string, events: readonly BuildEvent[]): Built {
  const find = (path: string) => images.layerDirs(imageId).find((directory) => existsSync(join(directory, path)));
  return {
    imageId,
    image: images.get(imageId),
    contextDir,
    events,
    cached: events.flatMap((event) =>
      event.type === "vertex" && event.completedMs !== undefined && event.cached && !/\] FROM /.test(event.name) ? [event.name] : [],
    ),
    warnings: events.flatMap((event) => (event.type === "warning" ? [`${event.rule ?? ""}: ${event.message}`] : [])),
    output: events.map((event) => (event.type === "log" ? event.text : "")).join(""),
    read: (path) => {
      const layer = find(path);
      return layer === undefined ? undefined : readFileSync(join(layer, path), "utf8");
    },
    stat: (path) => {
      const layer = find(path);
      if (layer === undefined) return undefined;
      const { mode, uid, gid } = lstatSync(join(layer, path));
      return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
    },
  };
}
