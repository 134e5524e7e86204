import type { Dockerfile } from "../dockerfile/parse-dockerfile.ts";
import type { Warn } from "./warn.ts";

/** Casing of keywords, empty lines in continued instructions, MAINTAINER. */
export function checkText(dockerfile: Dockerfile, warn: Warn): void {
  for (const line of dockerfile.emptyContinuations) warn("Empty continuation line", "NoEmptyContinuation", line);
  const firstFrom = dockerfile.stages[0]?.from.line ?? 0;
  const words = dockerfile.lines
    .filter(({ line }) => line >= firstFrom)
    .map(({ line, original }) => ({ word: original.split(/\s/)[0] ?? "", line }));
  const count = (change: (word: string) => string) => words.filter(({ word }) => word === change(word)).length;
  const lower = count((word) => word.toLowerCase()) > count((word) => word.toUpperCase());
  const majority = lower ? "lowercase" : "uppercase";
  for (const { word, line } of words) {
    if (/^maintainer$/i.test(word)) warn("Maintainer instruction is deprecated in favor of using label", "MaintainerDeprecated", line);
    if (word !== (lower ? word.toLowerCase() : word.toUpperCase()))
      warn(`Command '${word}' should match the case of the command majority (${majority})`, "ConsistentInstructionCasing", line);
  }
}

/** FROM lines: names of stages, `as`, platforms, and base images that only a build argument makes valid. */
export function checkStageNames(dockerfile: Dockerfile, warn: Warn): void {
  const names = new Set<string>();
  for (const { from } of dockerfile.stages) {
    const { alias, aliasAsWritten, asKeyword, line, original, platform } = from;
    if (aliasAsWritten && aliasAsWritten !== alias) warn(`Stage name '${aliasAsWritten}' should be lowercase`, "StageNameCasing", line);
    const keyword = original.split(/\s/)[0] ?? "";
    if (asKeyword && selfConsistent(keyword) && asKeyword !== (isLower(keyword) ? asKeyword.toLowerCase() : asKeyword.toUpperCase()))
      warn(`'${asKeyword}' and '${keyword}' keywords' casing do not match`, "FromAsCasing", line);
    if (alias === "scratch" || alias === "context")
      warn(`Stage name should not use the same name as reserved stage "${alias}"`, "ReservedStageName", line);
    if (alias && names.has(alias)) warn(`Duplicate stage name "${alias}", stage names should be unique`, "DuplicateStageName", line);
    if (alias) names.add(alias);
    if (platform && /^\$\{?TARGETPLATFORM\}?$/.test(platform))
      warn(
        `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`,
        "RedundantTargetPlatform",
        line,
      );
    const parts = platform?.includes("$") ? [] : (platform?.split("/") ?? []);
    if (parts.length > 0 && !parts.slice(0, 2).some((part) => alias?.includes(part)))
      warn(`FROM --platform flag should not use constant value "${platform}"`, "FromPlatformFlagConstDisallowed", line);
  }
}

const isLower = (word: string): boolean => word === word.toLowerCase();
const selfConsistent = (word: string): boolean => isLower(word) || word === word.toUpperCase();
