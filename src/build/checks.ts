import type { Dockerfile } from "./dockerfile/parse-dockerfile.ts";

type Warn = (message: string, rule: string, line: number) => void;

/** What BuildKit's build checks warn about, as far as the text alone shows it. `# check=skip=...` silences rules. */
export function checkDockerfile(dockerfile: Dockerfile, tell: Warn): void {
  const { check } = dockerfile.directives;
  const warn: Warn = (message, rule, line) => {
    if (!check?.skipAll && !check?.skip.includes(rule)) tell(message, rule, line);
  };
  for (const line of dockerfile.emptyContinuations) warn("Empty continuation line", "NoEmptyContinuation", line);
  checkKeywordCasing(dockerfile, warn);
  const names = new Map<string, number>();
  for (const stage of dockerfile.stages) {
    const { alias, aliasAsWritten, asKeyword, line, original } = stage.from;
    if (aliasAsWritten && aliasAsWritten !== alias) warn(`Stage name '${aliasAsWritten}' should be lowercase`, "StageNameCasing", line);
    const from = original.split(/\s/)[0] ?? "";
    if (asKeyword && (asKeyword === asKeyword.toLowerCase()) !== (from === from.toLowerCase()))
      warn(`'${asKeyword}' and '${from}' keywords' casing do not match`, "FromAsCasing", line);
    if (alias === "scratch" || alias === "context")
      warn(`Stage name should not use the same name as reserved stage "${alias}"`, "ReservedStageName", line);
    if (alias && names.has(alias)) warn(`Duplicate stage name "${alias}", stage names should be unique`, "DuplicateStageName", line);
    if (alias) names.set(alias, line);
    checkStage(stage.instructions, warn);
  }
}

function checkStage(instructions: Dockerfile["stages"][number]["instructions"], warn: Warn): void {
  const last = new Map<string, number>();
  let workdirSeen = false;
  const hasShell = instructions.some((instruction) => instruction.keyword === "SHELL");
  for (const instruction of instructions) {
    const { keyword, line } = instruction;
    if (keyword === "MAINTAINER") warn("Maintainer instruction is deprecated in favor of using label", "MaintainerDeprecated", line);
    if (keyword === "CMD" || keyword === "ENTRYPOINT" || keyword === "HEALTHCHECK") {
      const before = last.get(keyword);
      if (before !== undefined)
        warn(
          `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`,
          "MultipleInstructionsDisallowed",
          before,
        );
      last.set(keyword, line);
    }
    if ((keyword === "CMD" || keyword === "ENTRYPOINT") && "shell" in instruction.command && !hasShell) {
      warn(`JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`, "JSONArgsRecommended", line);
    }
    if ((keyword === "ENV" || keyword === "LABEL") && instruction.legacy) {
      warn(`"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`, "LegacyKeyValueFormat", line);
    }
    if (keyword === "ENV" || keyword === "ARG") {
      for (const name of keyword === "ENV" ? instruction.pairs.map((pair) => pair.name) : instruction.args.map((arg) => arg.name)) {
        if (/(^|_)(apikey|auth|credentials?|key|passwo?r?d|pword|secret|token)(_|$)/i.test(name) && !/(^|_)public(_|$)/i.test(name)) {
          warn(`Do not use ARG or ENV instructions for sensitive data (${keyword} "${name}")`, "SecretsUsedInArgOrEnv", line);
        }
      }
    }
    if (keyword === "WORKDIR") {
      if (!workdirSeen && !/^["']?[/$]/.test(instruction.text))
        warn(`Relative workdir "${instruction.text}" can have unexpected results if the base image changes`, "WorkdirRelativePath", line);
      workdirSeen = true;
    }
  }
}

function checkKeywordCasing(dockerfile: Dockerfile, warn: Warn): void {
  const words = dockerfile.lines.map((line) => ({ word: line.original.split(/\s/)[0] ?? "", line: line.line }));
  const upper = words.filter(({ word }) => word === word.toUpperCase()).length;
  const majority = upper * 2 >= words.length ? "uppercase" : "lowercase";
  for (const { word, line } of words) {
    const expected = majority === "uppercase" ? word.toUpperCase() : word.toLowerCase();
    if (word !== expected)
      warn(`Command '${word}' should match the case of the command majority (${majority})`, "ConsistentInstructionCasing", line);
  }
}
