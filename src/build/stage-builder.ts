import { BerthError, messageOf } from "../system/index.ts";
import { BaseImages } from "./base-images.ts";
import { copyStep } from "./copy-instruction.ts";
import { directoryBase } from "./directory-base.ts";
import { dockerfileError } from "./dockerfile/dockerfile-error.ts";
import type { Instruction } from "./dockerfile/instruction.ts";
import { dockerfileLines } from "./dockerfile/lines.ts";
import { parseMountOption } from "./dockerfile/mount-option.ts";
import type { Stage } from "./dockerfile/parse-dockerfile.ts";
import { parseInstruction } from "./dockerfile/parse-instruction.ts";
import { parseMode } from "./filesystem/file-mode.ts";
import { MergedTree } from "./filesystem/merged-tree.ts";
import { fullName } from "./full-name.ts";
import { applyMetadata, joinWorkingDir } from "./metadata-instructions.ts";
import { nativePlatform, type Platform, parsePlatform, platformText } from "./platform.ts";
import type { Vertex } from "./progress.ts";
import { checkNetwork, runStep } from "./run-instruction.ts";
import type { Session } from "./session.ts";
import { SourceOfFrom } from "./source-of-from.ts";
import { dependenciesOf, stageNamed } from "./stage-graph.ts";
import { type StageState, scratchState } from "./stage-state.ts";
import { StepNames } from "./step-names.ts";
import { Variables } from "./variables.ts";
import { workdirStep } from "./workdir-instruction.ts";

/** Builds stages on demand: each at most once, its dependencies side by side. */
export class StageBuilder {
  readonly variables: Variables;
  private readonly session: Session;
  private readonly images: BaseImages;
  private readonly sources: SourceOfFrom;
  private readonly results = new Map<number, Promise<StageState>>();

  constructor(session: Session) {
    this.session = session;
    this.variables = new Variables(session);
    this.images = new BaseImages(session);
    this.sources = new SourceOfFrom({ session, images: this.images, stage: (index) => this.stage(index) });
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
    await Promise.allSettled(this.results.values());
    await this.images.settled();
  }

  private async build(stage: Stage): Promise<StageState> {
    const { dockerfile, steps: told, progress } = this.session;
    for (const dependency of dependenciesOf(dockerfile, stage.index)) this.stage(dependency).catch(() => {}); // started early; who needs it awaits it
    told.began(stage.from.line);
    const base = await this.at(stage.from, () => this.base(stage));
    const triggers = await this.at(stage.from, async () => this.triggers(stage, base.state));
    const { OnBuild: _, ...config } = base.state.config;
    const inherited = base.state.base;
    let state: StageState = {
      ...base.state,
      config,
      base: { ...inherited, ...(inherited.config ? { config: { ...inherited.config, OnBuild: null } } : {}) },
      cmdSet: false,
    };
    const instructions = [...triggers, ...stage.instructions];
    const names = new StepNames(dockerfile, stage, base.isStep);
    const ofBase = base.image === undefined ? undefined : progress.declare(names.base(base.image));
    names.addTriggers(triggers.length);
    const vertices = await this.planned(stage, state, instructions, { names, triggers: triggers.length });
    if (ofBase !== undefined)
      await progress.run(ofBase, async ({ cached }) => {
        if (await this.images.bring(base.state, ofBase)) cached();
      });
    if (triggers.length === 0) told.done(stage.from.line, state);
    for (const [index, instruction] of instructions.entries()) {
      this.session.signal.throwIfAborted();
      const before = state;
      const vertex = vertices[index];
      told.began(instruction.line, vertex?.id);
      try {
        state = await this.at(instruction, () => this.apply(stage, before, instruction, vertex));
      } catch (error) {
        if (vertex && !this.session.signal.aborted) await progress.fail(vertex, error);
        throw error;
      }
      if (index >= triggers.length - 1) told.done(instruction.line, state);
    }
    return state;
  }

  /**
   * Announces the steps of a stage, each as its variables will be. What is wrong with an instruction as it stands ends the build here, before a step
   * runs; a client that follows the instructions one by one meets it there.
   */
  private async planned(
    stage: Stage,
    start: StageState,
    instructions: readonly Instruction[],
    o: { names: StepNames; triggers: number },
  ): Promise<(Vertex | undefined)[]> {
    const vertices: (Vertex | undefined)[] = [];
    let state = start;
    for (const [index, instruction] of instructions.entries()) {
      const name = () => this.session.progress.declare(o.names.step(instruction, state, index < o.triggers));
      const before = state;
      state = await this.at(instruction, async () => this.foreseen(stage, before, instruction)).catch((error) => {
        if (!this.session.steps.inOrder) throw error;
        return before;
      });
      switch (instruction.keyword) {
        case "RUN":
        case "COPY":
        case "ADD":
          vertices.push(name());
          break;
        case "WORKDIR":
          vertices.push(state.config.WorkingDir === "/" ? undefined : name());
          break;
        default:
          vertices.push(undefined);
      }
    }
    return vertices;
  }

  /** The state after an instruction as far as no file decides it. @throws Error for what cannot be done, whatever the files are */
  private foreseen(stage: Stage, state: StageState, instruction: Instruction): StageState {
    const place = { file: this.session.dockerfile.file, line: instruction.line };
    const text = this.variables.text(place, state);
    switch (instruction.keyword) {
      case "RUN":
        checkNetwork(this.session, instruction);
        for (const mount of instruction.mounts) parseMountOption(mount, text);
        return state;
      case "COPY":
      case "ADD":
        if (instruction.chmod) parseMode(text(instruction.chmod));
        this.sources.check(stage, instruction.from);
        return state;
      case "WORKDIR":
        return { ...state, config: { ...state.config, WorkingDir: joinWorkingDir(state.config.WorkingDir, text(instruction.text)) } };
      case "ARG":
        return this.variables.declareArgs(state, instruction.args, place);
      case "FROM":
        return state;
      default:
        return applyMetadata(state, instruction, text);
    }
  }

  /** Where the stage begins, the name of the image that it is, if it is one, and whether that counts as a step. */
  private async base(stage: Stage): Promise<{ state: StageState; image?: string; isStep: boolean }> {
    const { dockerfile, contexts } = this.session;
    const { base, platform } = stage.from;
    const text = this.variables.textOfFrom({ file: dockerfile.file, line: stage.from.line });
    const name = text(base);
    if (name === "") throw new Error(`base name (${base}) should not be blank`);
    const wanted = this.platformOf(stage, platform === undefined ? undefined : text(platform));
    const context = contexts.named(name);
    if (context !== undefined) return { state: await directoryBase(this.session, name, await context, this.mayCache(stage)), isStep: true };
    const parent = stageNamed(dockerfile, name, stage.index);
    const alias = contexts.imageOf(name) ?? contexts.layoutOf(name);
    if (parent !== undefined && !alias && !contexts.resultOf(name)) {
      const inherited = await this.stage(parent);
      return { state: { ...inherited, base: { ...inherited.base, config: { ...inherited.config } } }, isStep: false };
    }
    if ((alias ?? name) === "scratch") return { state: scratchState(wanted ?? nativePlatform()), isStep: false };
    const state = await this.images.image(name, wanted);
    if (alias || contexts.resultOf(name)) return { state, isStep: true };
    const digest = this.images.digestOf(state);
    return { state, isStep: true, image: digest === undefined || name.includes("@") ? fullName(name) : `${fullName(name)}@${digest}` };
  }

  /** Undefined where nobody asked for one: then an image that is here is right as it is. */
  private platformOf({ from }: Stage, written: string | undefined): Platform | undefined {
    if (written === "") throw new Error(`empty platform value from expression ${from.platform}`);
    const asked = written ?? this.session.request.platform;
    if (!asked) return undefined;
    const platform = parsePlatform(asked);
    if (platform.os !== "linux")
      throw new BerthError(
        "build/unsupported",
        `platform ${asked} cannot be built here: this machine is ${platformText(nativePlatform())}`,
      );
    return platform;
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
    const text = this.variables.text(place, state);
    switch (instruction.keyword) {
      case "ARG":
        return this.variables.declareArgs(state, instruction.args, place);
      case "RUN":
        return await runStep(this.session, vertex!, state, instruction, {
          text,
          findTree: (from) => this.sources.tree(stage, from, !stage.instructions.includes(instruction)),
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
              ? await this.sources.tree(stage, instruction.from, !stage.instructions.includes(instruction))
              : new MergedTree([], "nothing"),
          source: await this.sources.topLayer(stage, instruction.from),
          useCache: this.mayCache(stage),
          warn: (message) => this.session.progress.warn(message, undefined, place),
        });
      case "WORKDIR":
        return await workdirStep(this.session, vertex, state, {
          path: joinWorkingDir(state.config.WorkingDir, text(instruction.text)),
          useCache: this.mayCache(stage),
          warn: (message) => this.session.progress.warn(message, undefined, place),
        });
      case "FROM":
        return state;
      default:
        return applyMetadata(state, instruction, text);
    }
  }

  private mayCache(stage: Stage): boolean {
    const { noCache, noCacheFilter } = this.session.request;
    return !noCache && !(noCacheFilter ?? []).some((name) => name.toLowerCase() === stage.from.alias || name === String(stage.index));
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
      throw dockerfileError(position, messageOf(error), undefined, "build/instruction");
    }
  }
}

/** Whether a COPY or ADD takes anything from files: its sources may all be texts or URLs. */
function readsTree(instruction: { sources: readonly string[] }): boolean {
  return instruction.sources.some((source) => !/^(https?|git|ssh):\/\//.test(source));
}
