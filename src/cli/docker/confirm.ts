import { createInterface } from "node:readline/promises";
import type { Call } from "./command.ts";

/** Docker's question before it deletes: "y" goes on, anything else (also the end of the input) does not. */
export async function confirmed({ stdin, stdout, signal }: Call, warning: string): Promise<boolean> {
  stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: stdin });
  try {
    const answer = await Promise.race([
      lines.question("", { signal }),
      new Promise<string>((resolve) => lines.once("close", () => resolve(""))),
    ]);
    return answer.trim().toLowerCase() === "y";
  } finally {
    lines.close();
  }
}
