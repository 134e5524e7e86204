import type { Instruction } from "../dockerfile/instruction.ts";
import type { Warn } from "./warn.ts";

/** The checks on the instructions of one stage. */
export function checkInstructions(instructions: readonly Instruction[], warn: Warn): void {
  const last = new Map<string, number>();
  let workdirSeen = false;
  let shellSeen = false;
  for (const instruction of instructions) {
    const { keyword, line } = instruction;
    if (keyword === "SHELL") shellSeen = true;
    if (keyword === "CMD" || keyword === "ENTRYPOINT" || keyword === "HEALTHCHECK") {
      const before = last.get(keyword);
      // The earlier one is to blame: it has no effect.
      if (before !== undefined)
        warn(
          `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`,
          "MultipleInstructionsDisallowed",
          before,
        );
      last.set(keyword, line);
    }
    if ((keyword === "CMD" || keyword === "ENTRYPOINT") && "shell" in instruction.command && !shellSeen)
      warn(`JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`, "JSONArgsRecommended", line);
    if ((keyword === "ENV" || keyword === "LABEL") && instruction.legacy)
      warn(`"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`, "LegacyKeyValueFormat", line);
    if (keyword === "ENV") for (const { name } of instruction.pairs) checkSecret(keyword, name, line, warn);
    if (keyword === "ARG") for (const { name } of instruction.args) checkSecret(keyword, name, line, warn);
    if (keyword === "EXPOSE") for (const word of instruction.words) checkPort(word, line, warn);
    if (keyword === "WORKDIR") {
      if (!workdirSeen && !/^["']?[/$]/.test(instruction.text))
        warn(`Relative workdir "${instruction.text}" can have unexpected results if the base image changes`, "WorkdirRelativePath", line);
      workdirSeen = true;
    }
  }
}

const secretWord = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const harmlessWord = /(?:_|^)(?:public)(?:_|$)/i;

function checkSecret(keyword: "ENV" | "ARG", name: string, line: number, warn: Warn): void {
  if (!secretWord.test(name) || harmlessWord.test(name)) return;
  warn(`Do not use ARG or ENV instructions for sensitive data (${keyword} "${name}")`, "SecretsUsedInArgOrEnv", line);
}

function checkPort(word: string, line: number, warn: Warn): void {
  if (word.includes("$")) return;
  const protocol = word.split("/")[1] ?? "";
  if (protocol !== protocol.toLowerCase())
    warn(`Defined protocol '${word}' in EXPOSE instruction should be lowercase`, "ExposeProtoCasing", line);
  if (word.includes(":"))
    warn(`EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`, "ExposeInvalidFormat", line);
}
