import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { BerthError, run } from "../../system/index.ts";
import type { BuildRequest } from "../build-request.ts";
import type { BaseImage } from "../images.ts";
import type { Progress, Vertex } from "../progress.ts";
import { isArchive } from "./archive-kind.ts";
import { ContextTree } from "./context-tree.ts";
import { cloneGit, isGitUrl } from "./git-source.ts";
import { fetchUrl } from "./http-source.ts";
import { decidingRule, type IgnoreRules, matchingRules, parseIgnoreFile } from "./ignore-rules.ts";
import { unpackSent } from "./sent-archive.ts";

/** The main build context and the additional ones that are directories. All are directories on this machine in the end. */
export class Contexts {
  private readonly request: BuildRequest;
  /** For what has to be unpacked, cloned or fetched; the build removes it. */
  private readonly scratch: string;
  private readonly signal: AbortSignal;
  private readonly progress: Progress;
  private readonly trees = new Map<string, Promise<ContextTree>>();
  private paths: string[] | undefined;

  constructor(o: { request: BuildRequest; scratch: string; signal: AbortSignal; progress: Progress }) {
    this.request = o.request;
    this.scratch = o.scratch;
    this.signal = o.signal;
    this.progress = o.progress;
  }

  /** What the build can ask of the main context at most; undefined: all of it. */
  narrow(paths: string[] | undefined): void {
    this.paths = paths;
  }

  async readDockerfile(): Promise<{ content: string; file: string }> {
    const { dockerfile = "Dockerfile", dockerfileInline } = this.request;
    if (dockerfileInline !== undefined) return { content: dockerfileInline, file: "Dockerfile" };
    const vertex = this.progress.declare(`[internal] load build definition from ${this.request.dockerfileName ?? dockerfile}`);
    return await this.progress.run(vertex, async () => {
      const root = await this.dockerfileDirectory(vertex);
      return this.dockerfileIn(root, dockerfile);
    });
  }

  private dockerfileIn(root: string, dockerfile: string): { content: string; file: string } {
    const candidates = isAbsolute(dockerfile)
      ? [dockerfile]
      : [join(root, dockerfile), ...(dockerfile === "Dockerfile" ? [join(root, "dockerfile")] : [])];
    const path = candidates.find((candidate) => existsSync(candidate));
    if (!path) {
      const shown = this.request.client ? `open ${dockerfile}` : candidates[0];
      throw new BerthError("build/context", `failed to read dockerfile: ${shown}: no such file or directory`, {
        ...(this.request.client ? {} : { hint: "Name it with `dockerfile:` (-f), relative to the build context." }),
      });
    }
    if (!statSync(path).isFile()) throw new BerthError("build/context", `the Dockerfile ${path} is not a file`);
    return { content: readFileSync(path, "utf8"), file: this.request.dockerfileName ?? dockerfile };
  }

  /** With `whole` also what the Dockerfile does not name. */
  main(o: { whole?: boolean } = {}): Promise<ContextTree> {
    if (this.isClients()) return this.clientMain(o.whole ? undefined : this.paths);
    return this.once("", async () => {
      const root = await this.mainDirectory();
      const { dockerfile = "Dockerfile", dockerfileInline } = this.request;
      const own = dockerfileInline === undefined ? (isAbsolute(dockerfile) ? dockerfile : join(root, dockerfile)) : undefined;
      const rules = readIgnore([...(own ? [`${own}.dockerignore`] : []), join(root, ".dockerignore")]);
      const { contextTar, remote, hideIgnoredDockerfile } = this.request;
      if (contextTar === undefined && remote === undefined) return new ContextTree(root, rules);
      // What comes as a whole, from an archive or a repository, is taken as a whole (MainContext of frontend/dockerui).
      const hidden = hideIgnoredDockerfile ? [dockerfile, ".dockerignore"].filter((path) => excludes(rules, path)) : [];
      return new ContextTree(root, parseIgnoreFile(hidden.join("\n"), rules.file));
    });
  }

  /** An additional context that is a directory (also one that is cloned or fetched); undefined where the name is none or is an image. */
  named(name: string): Promise<ContextTree> | undefined {
    const value = this.additional(name)?.value;
    if (value === undefined || /^(docker-image|oci-layout):\/\//.test(value)) return undefined;
    if (value.startsWith("local:")) return this.once(name, () => this.clientNamed(name, value.slice("local:".length)));
    if (/^(service|target):/.test(value))
      throw new BerthError("build/unsupported", `the additional context "${name}" (${value}) is of a kind that is not supported here`);
    return this.once(name, async () => {
      const root = await this.directoryOf(value);
      return new ContextTree(root, readIgnore([join(root, ".dockerignore")]));
    });
  }

  /** The image reference behind an additional context, where it is one. */
  imageOf(name: string): string | undefined {
    const value = this.additional(name)?.value;
    return value?.startsWith("docker-image://") ? value.slice("docker-image://".length) : undefined;
  }

  /** The OCI layout behind an additional context, where it is one. */
  layoutOf(name: string): string | undefined {
    const value = this.additional(name)?.value;
    return value?.startsWith("oci-layout://") ? value.slice("oci-layout://".length) : undefined;
  }

  /** The result of another build behind an additional context, where it is one. */
  resultOf(name: string): BaseImage | undefined {
    return this.request.imageContexts?.[name] ?? this.request.imageContexts?.[familiar(name)];
  }

  private additional(name: string): { value: string } | undefined {
    const value = this.request.additionalContexts?.[name] ?? this.request.additionalContexts?.[familiar(name)];
    return value === undefined ? undefined : { value };
  }

  private isClients(): boolean {
    const { client, remote, contextTar } = this.request;
    return client !== undefined && remote === undefined && contextTar === undefined;
  }

  private sentDockerfile: Promise<string> | undefined;

  private dockerfileDirectory(vertex: Vertex): Promise<string> {
    const { client, dockerfile = "Dockerfile" } = this.request;
    if (client?.dockerfile === undefined) return this.mainDirectory();
    const lower = /(^|\/)Dockerfile$/.test(dockerfile) ? [dockerfile.replace(/Dockerfile$/, "dockerfile")] : [];
    const name = client.dockerfile;
    this.sentDockerfile ??= this.fetched(vertex, name, "transferring dockerfile:", {
      followPaths: [dockerfile, `${dockerfile}.dockerignore`, ...lower],
    });
    return this.sentDockerfile;
  }

  private async fetched(vertex: Vertex, name: string, id: string, o: { excludes?: string[]; followPaths?: string[] }): Promise<string> {
    let total = 0;
    const tell = (done: boolean) => this.progress.transfer(vertex, { id, current: total, total: 0, done });
    tell(false);
    const directory = await this.request.client!.fetch(name, {
      ...o,
      signal: this.signal,
      onBytes: (bytes) => {
        total = bytes;
        tell(false);
      },
    });
    tell(true);
    return directory;
  }

  private ignore: Promise<{ rules: IgnoreRules; excludes: string[] }> | undefined;

  /** Asks a client for its ignore rules, if the context is a client's. */
  async prepare(): Promise<void> {
    if (this.isClients()) await this.clientIgnore();
  }

  /** The ignore rules of the client's main context: beside the Dockerfile, or in the context. */
  private clientIgnore(): Promise<{ rules: IgnoreRules; excludes: string[] }> {
    this.ignore ??= (async () => {
      const { client, dockerfile = "Dockerfile", dockerfileInline } = this.request;
      const vertex = this.progress.declare("[internal] load .dockerignore");
      return await this.progress.run(vertex, async () => {
        const own = dockerfileInline === undefined && client!.dockerfile !== undefined ? await this.dockerfileDirectory(vertex) : undefined;
        const beside = own === undefined ? [] : [join(own, `${dockerfile}.dockerignore`)].filter((path) => existsSync(path));
        const file =
          beside[0] ??
          join(await this.fetched(vertex, client!.context, "transferring context:", { followPaths: [".dockerignore"] }), ".dockerignore");
        return withLines(file);
      });
    })();
    return this.ignore;
  }

  private clientMain(paths: string[] | undefined): Promise<ContextTree> {
    return this.once(paths === undefined ? " whole" : "", async () => {
      const { rules, excludes } = await this.clientIgnore();
      const vertex = this.progress.declare("[internal] load build context");
      return await this.progress.run(vertex, async () => {
        const o = { excludes, ...(paths === undefined ? {} : { followPaths: paths }) };
        return new ContextTree(
          await this.fetched(vertex, this.request.client!.context, "transferring context:", o),
          rules,
          "the build context",
        );
      });
    });
  }

  private async clientNamed(name: string, local: string): Promise<ContextTree> {
    const ignoring = this.progress.declare(`[context ${name}] load .dockerignore`);
    const { rules, excludes } = await this.progress.run(ignoring, async () =>
      withLines(join(await this.fetched(ignoring, local, `transferring ${name}:`, { followPaths: [".dockerignore"] }), ".dockerignore")),
    );
    const loading = this.progress.declare(`[context ${name}] load from client`);
    return await this.progress.run(
      loading,
      async () => new ContextTree(await this.fetched(loading, local, `transferring ${name}:`, { excludes }), rules, `the context ${name}`),
    );
  }

  temporary(prefix: string): string {
    mkdirSync(this.scratch, { recursive: true, mode: 0o700 });
    return mkdtempSync(join(this.scratch, prefix));
  }

  private directory: Promise<string> | undefined;
  private mainDirectory(): Promise<string> {
    this.directory ??= (async () => {
      const { contextDir, contextTar, remote } = this.request;
      if (contextTar) return await unpackSent(contextTar, this.temporary("tar-"), this.signal);
      // A URL may have the Dockerfile alone (moby builder/remotecontext; BuildKit frontend/dockerui).
      if (remote !== undefined) return await this.directoryOf(remote, this.request.dockerfile ?? "Dockerfile");
      return contextDir ?? this.temporary("empty-");
    })();
    return this.directory;
  }

  /** `single` is the name of what a URL has that is no archive. */
  private async directoryOf(source: string, single = "context"): Promise<string> {
    const keepGitDir = /^(1|t|true)$/i.test(this.request.args["BUILDKIT_CONTEXT_KEEP_GIT_DIR"] ?? "");
    if (isGitUrl(source)) return await cloneGit(source, this.temporary("git-"), this.signal, { keepGitDir });
    if (/^https?:\/\//.test(source)) {
      const { file } = await fetchUrl(source, this.temporary("http-"), this.signal);
      const directory = this.temporary("context-");
      if (!isArchive(file)) {
        copyFileSync(file, join(directory, single));
        return directory;
      }
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

/** docker.io/library/alpine:latest is called "alpine" where contexts are named. */
function familiar(name: string): string {
  return name.replace(/^(?:index\.)?docker\.io\/(?:library\/)?/, "").replace(/:latest$/, "");
}

/** The rules of an ignore file, and its lines as a client understands them. */
function withLines(file: string): { rules: IgnoreRules; excludes: string[] } {
  const content = existsSync(file) ? readFileSync(file, "utf8") : "";
  const rules = parseIgnoreFile(content, basename(file));
  return { rules, excludes: rules.rules.map((rule) => `${rule.negated ? "!" : ""}${rule.pattern}`) };
}

function excludes(rules: IgnoreRules, path: string): boolean {
  const rule = decidingRule(rules, matchingRules(rules, path, []));
  return rule !== undefined && !rule.negated;
}

function readIgnore(candidates: readonly string[]): IgnoreRules {
  const file = candidates.find((candidate) => existsSync(candidate));
  return file ? parseIgnoreFile(readFileSync(file, "utf8"), file) : { file: ".dockerignore", rules: [] };
}
