import type { Check } from "../doctor/check.ts";
import { machineChecks } from "../doctor/machine-checks.ts";
import { registryCheck } from "../doctor/registry-check.ts";
import type { Invocation } from "../invocation.ts";
import { paint } from "../render/paint.ts";

const signs = { ok: "✔", warning: "!", problem: "✘" } as const;

/** `berth doctor`: every prerequisite with what was found, and what to do where it is missing. Exits with 1 where something is missing. */
export async function doctor(cli: Invocation, _: readonly string[], flags: { readonly format: "table" | "json" }): Promise<number> {
  const checks: Check[] = [...machineChecks(cli.paths, cli.env), await registryCheck(cli.env, cli.signal)];
  const problems = checks.filter((check) => check.state === "problem");
  if (flags.format === "json") cli.print(JSON.stringify(checks));
  else {
    const { green, yellow, red } = paint(cli.color);
    const colors = { ok: green, warning: yellow, problem: red };
    const width = Math.max(...checks.map((check) => check.name.length));
    for (const { name, state, found, todo } of checks) {
      cli.print(`${colors[state](signs[state])} ${name.padEnd(width)}  ${found}`);
      if (todo && state !== "ok") cli.print(`${" ".repeat(width + 4)}${todo}`);
    }
    cli.print(
      problems.length === 0 ? "\nThis machine has what Berth needs." : `\nMissing: ${problems.map((check) => check.name).join(", ")}.`,
    );
  }
  return problems.length === 0 ? 0 : 1;
}
