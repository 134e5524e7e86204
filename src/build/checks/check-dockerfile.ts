import type { Dockerfile } from "../dockerfile/parse-dockerfile.ts";
import { expand } from "../dockerfile/word-expansion.ts";
import { globalArgs } from "../global-args.ts";
import { dependenciesOf } from "../stage-graph.ts";
import { checkInstructions } from "./instruction-checks.ts";
import { checkStageNames, checkText } from "./text-checks.ts";
import type { Warn } from "./warn.ts";

/**
 * What BuildKit's build checks warn about, as far as the text alone shows it: the whole file for names and casing, the instructions only of
 * the stages that the target needs (of all, without one). `# check=skip=...` silences rules, also those of `more`; the same is never said twice.
 */
export function checkDockerfile(
  dockerfile: Dockerfile,
  target: number | undefined,
  tell: Warn,
  more: (warn: Warn) => void = () => {},
): void {
  const { check } = dockerfile.directives;
  const said = new Set<string>();
  const warn: Warn = (message, rule, line) => {
    const key = `${line} ${rule} ${message}`;
    if (check?.skipAll || check?.skip.includes(rule) || said.has(key)) return;
    said.add(key);
    tell(message, rule, line);
  };
  checkText(dockerfile, warn);
  checkStageNames(dockerfile, warn);
  checkDefaultBases(dockerfile, warn);
  const all = dockerfile.stages.map((stage) => stage.index);
  for (const index of target === undefined ? all : [...neededStages(dockerfile, target)].sort((a, b) => a - b)) {
    checkInstructions(dockerfile.stages[index]?.instructions ?? [], warn);
  }
  more(warn);
}

/** A base image that is none until the caller gives a build argument. */
function checkDefaultBases(dockerfile: Dockerfile, warn: Warn): void {
  const defaults = globalArgs(dockerfile, { args: {} });
  for (const { from } of dockerfile.stages) {
    const name = expand(from.base, (variable) => defaults.get(variable), dockerfile.directives.escape).text;
    const path = name.replace(/(:[^/]*)?(@.*)?$/, "");
    if (/[A-Z]/.test(path.slice(path.includes("/") ? path.indexOf("/") : 0)) || !/^[\w][\w.:@/-]*$/.test(name) || /[:@/]$|:[-.]/.test(name))
      warn(`Default value for ARG ${from.base} results in empty or invalid base image name`, "InvalidDefaultArgInFrom", from.line);
  }
}

function neededStages(dockerfile: Dockerfile, target: number, found = new Set<number>()): ReadonlySet<number> {
  if (found.has(target)) return found;
  found.add(target);
  for (const dependency of dependenciesOf(dockerfile, target)) neededStages(dockerfile, dependency, found);
  return found;
}
