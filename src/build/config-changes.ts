import type { ContainerConfig } from "../api/index.ts";
import { BerthError, messageOf } from "../system/index.ts";
import type { Keyword } from "./dockerfile/instruction.ts";
import { parseDockerfile } from "./dockerfile/parse-dockerfile.ts";
import { applyMetadata, expander, joinWorkingDir } from "./metadata-instructions.ts";
import { type StageState, stateOfImage } from "./stage-state.ts";

/** The instructions that `commit --change` and `import --change` take: those that change nothing but the configuration. */
const taken: readonly Keyword[] = [
  "CMD",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "ONBUILD",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
];

/**
 * A configuration after these lines of a Dockerfile. Only what a line names is changed: an entrypoint leaves the command as it is. Pure.
 * @throws BerthError api/bad-parameter in Docker's words
 */
export function configWithChanges(base: ContainerConfig, lines: readonly string[]): ContainerConfig {
  const given = lines.filter((line) => line.trim());
  if (given.length === 0) return base;
  const odd = given.map((line) => /^\s*(\S+)/.exec(line)?.[1]?.toUpperCase() ?? "").find((word) => !taken.includes(word as Keyword)); // looked up
  if (odd !== undefined)
    throw new BerthError("api/bad-parameter", `${odd} is not a valid change command`, { hint: `${taken.join(", ")} are.` });
  const platform = { os: "linux", architecture: "" };
  let state: StageState = {
    ...stateOfImage({ ...platform, config: base, rootfs: { type: "layers", diff_ids: [] } }, [], []),
    config: base,
    cmdSet: true,
  };
  try {
    const [stage] = parseDockerfile(["FROM scratch", ...given].join("\n"), "changes").stages;
    for (const instruction of stage?.instructions ?? []) {
      const text = expander(
        (name) => state.scope.get(name),
        "\\",
        () => {},
      );
      if (instruction.keyword === "WORKDIR") {
        const WorkingDir = joinWorkingDir(state.config.WorkingDir, text(instruction.text));
        state = { ...state, config: { ...state.config, WorkingDir } };
      } else if (isMetadata(instruction)) state = applyMetadata(state, instruction, text);
    }
  } catch (error) {
    throw new BerthError("api/bad-parameter", messageOf(error), { cause: error });
  }
  const { ArgsEscaped: _, ...config } = state.config as ContainerConfig & { ArgsEscaped?: boolean };
  return config;
}

type MetadataInstruction = Parameters<typeof applyMetadata>[1];

/** The rest of those that are taken. */
function isMetadata(instruction: { readonly keyword: Keyword }): instruction is MetadataInstruction {
  return taken.includes(instruction.keyword) && instruction.keyword !== "WORKDIR";
}
