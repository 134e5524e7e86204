import { BerthError, messageOf } from "../system/index.ts";
import { layerStep } from "./cached-step.ts";
import { copyStep } from "./copy-instruction.ts";
import { directoryBase } from "./directory-base.ts";
import { dockerfileError, nearest } from "./dockerfile/dockerfile-error.ts";
import type { Instruction } from "./dockerfile/instruction.ts";
import { dockerfileLines } from "./dockerfile/lines.ts";
import type { Stage } from "./dockerfile/parse-dockerfile.ts";
import { parseInstruction } from "./dockerfile/parse-instruction.ts";
import { parseOwner } from "./filesystem/accounts.ts";
import { MergedTree } from "./filesystem/merged-tree.ts";
import { resolvePath } from "./filesystem/resolve-path.ts";
import type { SourceTree } from "./filesystem/source-tree.ts";
import { WritableRoot } from "./filesystem/writable-root.ts";
import { applyMetadata, type ExpandText, expander, joinWorkingDir } from "./metadata-instructions.ts";
import type { Vertex } from "./progress.ts";
import { runStep } from "./run-instruction.ts";
import type { Session } from "./session.ts";
import { dependenciesOf, stageNamed } from "./stage-graph.ts";
import { type StageState, scratchState, stateOfImage, stepKey, withMetadata } from "./stage-state.ts";

/** Where an instruction stands. */
interface Place {
  readonly file: string;
  readonly line: number;
}

/** Builds stages on demand: each at most once, its dependencies side by side. */
export class StageBuilder {
  readonly usedArgs = new Set<string>();
  private readonly session: Session;
  private readonly warned = new Set<string>();
  private readonly results = new Map<number, Promise<StageState>>();
  private readonly images = new Map<string, Promise<StageState>>();

  constructor(session: Session) {
    this.session = session;
  }

  stage(index: number): Promise<StageState> {
    let result = this.results.get(index);
    if (!result) {
      result = this.build(this.session.dockerfile.stages[index]!);
      result.catch(() => {}); // whoever needs the stage gets the error; none may need it any more
      this.results.set(index, result);
    }
    return result;
  }

  /** Waits until nothing that was started for this build is going on any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.results.values(), ...this.images.values()]);
  }

  private async build(stage: Stage): Promise<StageState> {
    const { dockerfile } = this.session;
    for (const dependency of dependenciesOf(dockerfile, stage.index)) this.stage(dependency).catch(() => {}); // started early; who needs it awaits it
    const { steps: told } = this.session;
    told.began(stage.from.line);
    const base = await this.at(stage.from, () => this.base(stage));
    const { image } = base;
    let state = base.state;
    const triggers = this.triggers(stage, state);
    const { OnBuild: _, ...config } = state.config;
    state = {
      ...state,
      config,
      base: { ...state.base, ...(state.base.config ? { config: { ...state.base.config, OnBuild: null } } : {}) },
      cmdSet: false,
    };
    const instructions = [...triggers, ...stage.instructions];
    const steps = instructions.filter((instruction) => isStep(instruction)).length + (image === undefined ? 0 : 1);
    const name = stage.from.alias ?? (dockerfile.stages.length > 1 ? `stage-${stage.index}` : "");
    const stepName = (number: number) => `[${name ? `${name} ` : ""}${String(number).padStart(String(steps).length)}/${steps}] `;
    let number = 1;
    if (image !== undefined) {
      const vertex = this.session.progress.declare(`${stepName(number++)}FROM ${image}`);
      await this.session.progress.run(vertex, async ({ cached }) => cached());
    }
    const vertices = instructions.map((instruction) =>
      isStep(instruction) ? this.session.progress.declare(stepName(number++) + (instruction.original.split("\n")[0] ?? "")) : undefined,
    );
    if (triggers.length === 0) told.done(stage.from.line, state);
    for (const [index, instruction] of instructions.entries()) {
      this.session.signal.throwIfAborted();
      const before = state;
      const vertex = vertices[index];
      told.began(instruction.line, vertex?.id);
      try {
        state = await this.at(instruction, () => this.apply(stage, before, instruction, vertex));
      } catch (error) {
        if (vertex && !this.session.signal.aborted) await this.session.progress.fail(vertex, error);
        throw error;
      }
      if (index >= triggers.length - 1) told.done(instruction.line, state);
    }
    return state;
  }

  /** Where the stage begins, and the name of the image that it is, if it is one. */
  private async base(stage: Stage): Promise<{ state: StageState; image?: string }> {
    const { dockerfile, globals } = this.session;
    const { base, platform } = stage.from;
    const text = expander(
      (name) => globals.get(name),
      dockerfile.directives.escape,
      (name) =>
        dockerfile.globalArgs.some(({ args }) => args.some((arg) => arg.name === name)) ||
        this.warnOnce(`FROM argument '${name}' is not declared`, "UndefinedArgInFrom", { file: dockerfile.file, line: stage.from.line }),
    );
    const name = text(base);
    if (name === "") throw new Error(`base name (${base}) should not be blank`);
    if (platform !== undefined) this.checkPlatform(text(platform));
    const context = this.session.contexts.named(name);
    if (context !== undefined) return { state: await directoryBase(this.session, name, await context, this.mayCache(stage)) };
    const parent = stageNamed(dockerfile, name, stage.index);
    if (parent !== undefined && !this.session.contexts.imageOf(name) && !this.session.contexts.resultOf(name)) {
      const inherited = await this.stage(parent);
      return { state: { ...inherited, base: { ...inherited.base, config: { ...inherited.config } } } };
    }
    const meant = this.session.contexts.imageOf(name) ?? name;
    if (meant === "scratch") return { state: scratchState({ os: "linux", architecture: globals.get("TARGETARCH") ?? "amd64" }) };
    const state = await this.image(name);
    return this.session.contexts.resultOf(name) ? { state } : { state, image: fullName(meant) };
  }

  private checkPlatform(platform: string): void {
    const native = this.session.globals.get("TARGETPLATFORM") ?? "";
    if (platform && platform !== native && platform !== native.split("/").slice(0, 2).join("/") && platform !== "linux") {
      throw new BerthError("build/unsupported", `platform ${platform} cannot be built here: this machine is ${native}`);
    }
  }

  /** An image of the store, pulled when it is not there (or, with `pull`, again). Each name once per build. */
  image(name: string): Promise<StageState> {
    let known = this.images.get(name);
    if (!known) {
      known = this.resolveImage(name);
      this.images.set(name, known);
    }
    return known;
  }

  private async resolveImage(name: string): Promise<StageState> {
    const { images, pullImage, progress, request, signal, contexts } = this.session;
    const ref = contexts.imageOf(name) ?? name;
    const result = contexts.resultOf(name);
    if (result)
      return stateOfImage(
        result.config,
        result.chainIds,
        [...result.chainIds].reverse().map((chain) => images.layerDir(chain)),
      );
    const vertex = progress.declare(
      ref === name ? `[internal] load metadata for ${fullName(ref)}` : `[context ${name}] load metadata for ${ref}`,
    );
    return await progress.run(vertex, async () => {
      let image = images.resolve(ref);
      if ((!image || request.pull) && pullImage && !ref.startsWith("sha256:")) {
        const id = await pullImage(ref, {
          ...(request.platform ? { platform: request.platform } : {}),
          signal,
          onProgress: (p) => progress.transfer(vertex, p),
        });
        image = images.resolve(id) ?? images.resolve(ref);
      }
      if (!image) throw new BerthError("build/base-image", `the image ${ref} is not here and cannot be pulled`);
      return stateOfImage(image.config, image.chainIds, images.layerDirs(image.id));
    });
  }

  private triggers(stage: Stage, state: StageState): Instruction[] {
    const { dockerfile } = this.session;
    return (state.base.config?.OnBuild ?? []).map((trigger) => {
      const [line] = dockerfileLines(trigger, dockerfile.file).instructions;
      const instruction = parseInstruction({ ...line!, line: stage.from.line }, dockerfile.directives.escape, dockerfile.file);
      if (["FROM", "ONBUILD", "MAINTAINER"].includes(instruction.keyword))
        throw new Error(`${instruction.keyword} isn't allowed as an ONBUILD trigger`);
      return instruction;
    });
  }

  private async apply(stage: Stage, state: StageState, instruction: Instruction, vertex: Vertex | undefined): Promise<StageState> {
    const { dockerfile } = this.session;
    const place = { file: dockerfile.file, line: instruction.line };
    const text = this.text(place, state);
    switch (instruction.keyword) {
      case "ARG":
        return this.declareArgs(state, instruction.args, place);
      case "RUN":
        return await runStep(this.session, vertex!, state, instruction, {
          text,
          findTree: (from) => this.tree(stage, from, !stage.instructions.includes(instruction)),
          useCache: this.mayCache(stage),
          place,
        });
      case "COPY":
      case "ADD":
        return await copyStep(this.session, vertex!, state, instruction, {
          text,
          // What the triggers of a base image take is not in the Dockerfile's text.
          tree: async () =>
            readsTree(instruction)
              ? await this.tree(stage, instruction.from, !stage.instructions.includes(instruction))
              : new MergedTree([], "nothing"),
          source: await this.sourceChain(stage, instruction.from),
          useCache: this.mayCache(stage),
          warn: (message) => this.session.progress.warn(message, undefined, place),
        });
      case "WORKDIR": {
        const path = joinWorkingDir(state.config.WorkingDir, text(instruction.text));
        const moved = { ...state, config: { ...state.config, WorkingDir: path } };
        if (path === "/") return withMetadata(moved, `WORKDIR ${path}`, {});
        const key = stepKey(["workdir", state.layers.at(-1)?.chainId ?? "", path, state.config.User ?? "", this.session.epochIso ?? ""]);
        return await layerStep(
          this.session,
          vertex!,
          moved,
          { key, createdBy: `WORKDIR ${path}`, useCache: this.mayCache(stage) },
          async ({ upperDir }) => {
            const root = new WritableRoot(state.lowerDirs, upperDir);
            const target = resolvePath(root, path);
            const existing = root.entry(target);
            if (existing?.stat.isDirectory()) return;
            // What has to be made belongs to the USER, its parents too.
            const owner = parseOwner(state.config.User ?? "", root, (message) => this.session.progress.warn(message, undefined, place));
            root.makeDirectory(target, { mode: 0o755, owner });
          },
        );
      }
      case "FROM":
        return state;
      default:
        return applyMetadata(state, instruction, text);
    }
  }

  /** Expands words as an instruction sees them, and says which variables it names that nothing sets. */
  private text(place: Place, state: StageState): ExpandText {
    return expander(
      (name) => state.scope.get(name),
      this.session.dockerfile.directives.escape,
      (name) => {
        if (state.declaredArgs.has(name)) return;
        const meant = nearest(name, [...state.scope.keys()]);
        this.warnOnce(`Usage of undefined variable '$${name}'${meant ? ` (did you mean $${meant}?)` : ""}`, "UndefinedVar", place);
      },
    );
  }

  /** All ARGs of one line: a default sees those before it. One entry of history. */
  private declareArgs(state: StageState, declared: readonly { name: string; default?: string }[], place: Place): StageState {
    const { request, globals } = this.session;
    const [scope, args, declaredArgs] = [new Map(state.scope), new Map(state.args), new Set(state.declaredArgs)];
    const shown = declared.map(({ name, default: written }) => {
      declaredArgs.add(name);
      this.usedArgs.add(name);
      const given = Object.hasOwn(request.args, name) ? (request.args[name] ?? process.env[name]) : undefined;
      const value = given ?? (written === undefined ? globals.get(name) : this.text(place, { ...state, scope, declaredArgs })(written));
      if (value === undefined) return name;
      scope.set(name, value);
      args.set(name, value);
      return `${name}=${value}`;
    });
    return withMetadata(state, `ARG ${shown.join(" ")}`, { declaredArgs, args, scope });
  }

  /** What `--from` (or nothing) names: a stage before this one, an additional context, an image, the build context. */
  private async tree(stage: Stage, from: string | undefined, whole = false): Promise<SourceTree> {
    const { contexts, dockerfile } = this.session;
    if (from === undefined) return await contexts.main({ whole });
    const context = contexts.named(from);
    if (context !== undefined) return await context;
    const index = contexts.imageOf(from) || contexts.resultOf(from) ? undefined : stageNamed(dockerfile, from, stage.index);
    if (index !== undefined) {
      const state = await this.stage(index);
      await this.session.imported.ensure(state.layers);
      return this.finishedTree(state, `the stage ${from}`);
    }
    if (from.toLowerCase() === stage.from.alias || stageNamed(dockerfile, from, dockerfile.stages.length) !== undefined) {
      throw new Error(`circular dependency: --from=${from} names this stage or a later one`);
    }
    if (/^\d+$/.test(from) && !contexts.imageOf(from) && !contexts.resultOf(from)) throw new Error(`invalid stage index ${from}`);
    if (from === "scratch") return this.finishedTree(scratchState({ os: "linux", architecture: "" }), "scratch");
    return this.finishedTree(await this.image(from), `the image ${from}`);
  }

  /** What has no layer is an empty directory. */
  private finishedTree({ lowerDirs }: StageState, label: string): SourceTree {
    if (lowerDirs.length > 0) return new MergedTree(lowerDirs, label, { finished: true });
    return new MergedTree([this.session.contexts.temporary("empty-")], label);
  }

  /** The layers that `--from` names, by the id of the topmost: what is in them is known without reading them. */
  private async sourceChain(stage: Stage, from: string | undefined): Promise<string | undefined> {
    const { contexts, dockerfile } = this.session;
    if (from === undefined || contexts.named(from) !== undefined || contexts.imageOf(from) || contexts.resultOf(from)) return undefined;
    const index = stageNamed(dockerfile, from, stage.index);
    return index === undefined ? undefined : (await this.stage(index)).layers.at(-1)?.chainId;
  }

  private mayCache(stage: Stage): boolean {
    const { noCache, noCacheFilter } = this.session.request;
    return !noCache && !(noCacheFilter ?? []).some((name) => name.toLowerCase() === stage.from.alias || name === String(stage.index));
  }

  private warnOnce(message: string, rule: string, place: Place): void {
    const { check } = this.session.dockerfile.directives;
    const key = `${place.line} ${rule} ${message}`;
    if (this.warned.has(key) || check?.skipAll || check?.skip.includes(rule)) return;
    this.warned.add(key);
    this.session.progress.warn(message, rule, place);
  }

  /** Gives an error the place of the instruction, unless it has one. */
  private async at<T>(instruction: Instruction, work: () => Promise<T>): Promise<T> {
    const position = { file: this.session.dockerfile.file, line: instruction.line };
    try {
      return await work();
    } catch (error) {
      if (this.session.signal.aborted) throw error;
      if (error instanceof BerthError) {
        if (error.place) throw error;
        throw new BerthError(error.code, error.message, { place: position, ...(error.hint ? { hint: error.hint } : {}), cause: error });
      }
      throw dockerfileError(position, messageOf(error));
    }
  }
}

/** An image's name with everything that may be left out (distribution/reference). */
function fullName(ref: string): string {
  if (/^sha256:|^[0-9a-f]{64}$/.test(ref)) return ref;
  const [first = "", ...rest] = ref.split("/");
  const domain = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const name = domain ? ref : `docker.io/${rest.length > 0 ? "" : "library/"}${ref}`;
  return /[:@][^/]*$/.test(name.slice(name.indexOf("/"))) ? name : `${name}:latest`;
}

/** Whether a COPY or ADD takes anything from files: its sources may all be texts or URLs. */
function readsTree(instruction: { sources: readonly string[] }): boolean {
  return instruction.sources.some((source) => !/^(https?|git|ssh):\/\//.test(source));
}

/** Instructions that are shown as a step because they make a layer. */
function isStep(instruction: Instruction): boolean {
  return ["RUN", "COPY", "ADD", "WORKDIR"].includes(instruction.keyword);
}
