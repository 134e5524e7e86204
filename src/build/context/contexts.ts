import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BerthError, run } from "../../system/index.ts";
import type { BuildRequest } from "../build-request.ts";
import { ContextTree } from "./context-tree.ts";
import { cloneGit, isGitUrl } from "./git-source.ts";
import { fetchUrl } from "./http-source.ts";
import { type IgnoreRules, parseIgnoreFile } from "./ignore-rules.ts";

/** The main build context and the additional ones that are directories. All are directories on this machine in the end. */
export class Contexts {
  private readonly request: BuildRequest;
  /** For what has to be unpacked, cloned or fetched; the build removes it. */
  private readonly scratch: string;
  private readonly signal: AbortSignal;
  private readonly trees = new Map<string, Promise<ContextTree>>();

  constructor(o: { request: BuildRequest; scratch: string; signal: AbortSignal }) {
    this.request = o.request;
    this.scratch = o.scratch;
    this.signal = o.signal;
  }

  async readDockerfile(): Promise<{ content: string; file: string }> {
    const { dockerfile = "Dockerfile", dockerfileInline } = this.request;
    if (dockerfileInline !== undefined) return { content: dockerfileInline, file: "Dockerfile" };
    const root = await this.mainDirectory();
    const candidates = isAbsolute(dockerfile)
      ? [dockerfile]
      : [join(root, dockerfile), ...(dockerfile === "Dockerfile" ? [join(root, "dockerfile")] : [])];
    const path = candidates.find((candidate) => existsSync(candidate));
    if (!path) {
      throw new BerthError("build/context", `failed to read dockerfile: ${candidates[0]}: no such file or directory`, {
        hint: "Name it with `dockerfile:` (-f), relative to the build context.",
      });
    }
    if (!statSync(path).isFile()) throw new BerthError("build/context", `the Dockerfile ${path} is not a file`);
    return { content: readFileSync(path, "utf8"), file: this.request.dockerfileName ?? dockerfile };
  }

  main(): Promise<ContextTree> {
    return this.once("", async () => {
      const root = await this.mainDirectory();
      const { dockerfile = "Dockerfile", dockerfileInline } = this.request;
      const own = dockerfileInline === undefined ? (isAbsolute(dockerfile) ? dockerfile : join(root, dockerfile)) : undefined;
      return new ContextTree(root, readIgnore([...(own ? [`${own}.dockerignore`] : []), join(root, ".dockerignore")]));
    });
  }

  /** An additional context that is a directory (also one that is cloned or fetched); undefined where the name is none or is an image. */
  named(name: string): Promise<ContextTree> | undefined {
    const value = this.request.additionalContexts?.[name];
    if (value === undefined || value.startsWith("docker-image://")) return undefined;
    if (/^(service|target|oci-layout):/.test(value))
      throw new BerthError("build/unsupported", `the additional context "${name}" (${value}) is of a kind that is not supported here`);
    return this.once(name, async () => {
      const root = await this.directoryOf(value);
      return new ContextTree(root, readIgnore([join(root, ".dockerignore")]));
    });
  }

  /** The image reference behind an additional context, where it is one. */
  imageOf(name: string): string | undefined {
    const value = this.request.additionalContexts?.[name];
    return value?.startsWith("docker-image://") ? value.slice("docker-image://".length) : undefined;
  }

  temporary(prefix: string): string {
    mkdirSync(this.scratch, { recursive: true, mode: 0o700 });
    return mkdtempSync(join(this.scratch, prefix));
  }

  private directory: Promise<string> | undefined;
  private mainDirectory(): Promise<string> {
    this.directory ??= (async () => {
      const { contextDir, contextTar, remote } = this.request;
      if (contextTar) return await unpackTar(contextTar, this.temporary("tar-"), this.signal);
      if (remote !== undefined) return await this.directoryOf(remote);
      return contextDir ?? this.temporary("empty-");
    })();
    return this.directory;
  }

  private async directoryOf(source: string): Promise<string> {
    if (isGitUrl(source)) return await cloneGit(source, this.temporary("git-"), this.signal);
    if (/^https?:\/\//.test(source)) {
      const { file } = await fetchUrl(source, this.temporary("http-"), this.signal);
      const directory = this.temporary("context-");
      await run("tar", ["-xf", file, "-C", directory, "--no-same-owner"], { signal: this.signal, timeoutMs: 600_000 });
      return directory;
    }
    if (!existsSync(source)) throw new BerthError("build/context", `the build context ${source} does not exist`);
    if (!statSync(source).isDirectory()) throw new BerthError("build/context", `the build context ${source} is not a directory`);
    return source;
  }

  private once(name: string, make: () => Promise<ContextTree>): Promise<ContextTree> {
    let tree = this.trees.get(name);
    if (!tree) {
      tree = make();
      this.trees.set(name, tree);
    }
    return tree;
  }
}

function readIgnore(candidates: readonly string[]): IgnoreRules {
  const file = candidates.find((candidate) => existsSync(candidate));
  return file ? parseIgnoreFile(readFileSync(file, "utf8"), file) : { file: ".dockerignore", rules: [] };
}

/** A context that a client sent: to a file first, so that tar can recognise how it is compressed. */
async function unpackTar(input: Readable, directory: string, signal: AbortSignal): Promise<string> {
  const archive = `${directory}.archive`;
  await pipeline(input, createWriteStream(archive), { signal });
  await run("tar", ["-xf", archive, "-C", directory, "--no-same-owner", "-p"], { signal, timeoutMs: 600_000 });
  return directory;
}
