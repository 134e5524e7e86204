import { createInterface } from "node:readline/promises";
import type { CliContext } from "./context.ts";

/** Asks on stderr; y and yes are a yes, everything else (and the end of input) a no. */
export async function confirmed(cli: Pick<CliContext, "stdin" | "stderr" | "signal">, question: string): Promise<boolean> {
  const reader = createInterface({ input: cli.stdin, output: cli.stderr });
  const closed = new Promise<string>((resolve) => reader.once("close", () => resolve("")));
  try {
    const answer = await Promise.race([reader.question(question, { signal: cli.signal }), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}
