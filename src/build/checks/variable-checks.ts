import type { ImageConfig } from "../../api/index.ts";
import type { BuildRequest } from "../build-request.ts";
import type { Instruction } from "../dockerfile/instruction.ts";
import type { Dockerfile } from "../dockerfile/parse-dockerfile.ts";
import { expand } from "../dockerfile/word-expansion.ts";
import { globalArgs } from "../global-args.ts";
import { applyMetadata, type ExpandText } from "../metadata-instructions.ts";
import { stageNamed } from "../stage-graph.ts";
import { type StageState, scratchState, stateOfImage } from "../stage-state.ts";
import { Variables } from "../variables.ts";
import type { Warn } from "./warn.ts";

/**
 * Which variables nothing sets, found without building: by what each stage's base image sets. A stage whose base `imageConfig` does not know is passed
 * over, and so are those that stand on it.
 */
export function checkVariables(
  dockerfile: Dockerfile,
  request: BuildRequest,
  imageConfig: (ref: string) => ImageConfig | undefined,
  warn: Warn,
): void {
  const globals = globalArgs(dockerfile, request);
  const progress = {
    warn: (message: string, rule?: string, place?: { line: number }) => warn(message, rule ?? "", place?.line ?? 0),
  };
  const variables = new Variables({ dockerfile, request, globals, progress });
  const ends: (StageState | undefined)[] = [];
  for (const stage of dockerfile.stages) {
    const name = expand(stage.from.base, (variable) => globals.get(variable), dockerfile.directives.escape).text;
    const parent = stageNamed(dockerfile, name, stage.index);
    let state = parent === undefined ? ofBase(name, imageConfig) : ends[parent];
    for (const instruction of state ? stage.instructions : []) {
      const place = { file: dockerfile.file, line: instruction.line };
      state =
        state &&
        after(state, instruction, variables.text(place, state), () => variables.declareArgs(state!, declaredBy(instruction), place));
    }
    ends.push(state);
  }
}

function ofBase(name: string, imageConfig: (ref: string) => ImageConfig | undefined): StageState | undefined {
  if (name === "scratch") return scratchState({ os: "linux", architecture: "" });
  const config = imageConfig(name);
  return config && stateOfImage({ ...config, rootfs: { type: "layers", diff_ids: [] } }, [], []);
}

function declaredBy(instruction: Instruction): readonly { name: string; default?: string }[] {
  return instruction.keyword === "ARG" ? instruction.args : [];
}

/** What the instruction says of variables, and the state that the next one sees. A value that is refused is for the build to tell. */
function after(state: StageState, instruction: Instruction, text: ExpandText, declare: () => StageState): StageState {
  try {
    switch (instruction.keyword) {
      case "ARG":
        return declare();
      case "COPY":
      case "ADD": {
        const { sources, destination, chown = "", chmod = "", exclude } = instruction;
        for (const word of [...sources, destination, chown, chmod, ...exclude]) text(word);
        return state;
      }
      case "WORKDIR":
        text(instruction.text);
        return state;
      case "RUN":
      case "FROM":
        return state;
      default:
        return applyMetadata(state, instruction, text);
    }
  } catch {
    return state;
  }
}
