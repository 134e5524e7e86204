import type { Container, ServiceHook } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { nameOf } from "./labels.ts";
import type { Backend } from "./ports.ts";

/**
 * Runs a service's `post_start` or `pre_stop` commands in one of its containers, one after the other.
 * @throws BerthError scheduler/hook-failed for the first that does not end with 0
 */
export async function runHooks(
  backend: Backend,
  container: Container,
  kind: "post_start" | "pre_stop",
  hooks: readonly ServiceHook[] | undefined,
): Promise<void> {
  for (const hook of hooks ?? []) {
    const { exitCode, output } = await backend.runHook(container.Id, hook);
    if (exitCode === 0) continue;
    throw new BerthError(
      "scheduler/hook-failed",
      `${nameOf(container)}: the ${kind} hook "${hook.command.join(" ")}" exited with ${exitCode}`,
      {
        place: { kind: "container", name: nameOf(container) },
        ...(output.trim()
          ? {
              hint: `It printed:\n${output
                .trim()
                .split("\n")
                .map((line) => `  | ${line}`)
                .join("\n")}`,
            }
          : {}),
      },
    );
  }
}
