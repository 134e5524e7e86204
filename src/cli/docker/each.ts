import { BerthError } from "../../system/error.ts";
import { EngineError } from "../client/index.ts";
import type { Call } from "./command.ts";

/** Several at a time, as Docker does, or in turn where one may wait for another to be gone; what is printed keeps the order of the command line. */
export async function forEachArgument(
  call: Call,
  run: (name: string) => Promise<string | undefined>,
  o: { inTurn?: boolean } = {},
): Promise<number> {
  const results = o.inTurn ? await inTurn(call.args, run) : await Promise.allSettled(call.args.map(run));
  let code = 0;
  for (const result of results) {
    if (result.status === "fulfilled") {
      if (result.value !== undefined) call.print(result.value);
      continue;
    }
    if (!(result.reason instanceof BerthError)) throw result.reason;
    call.printError(result.reason instanceof EngineError ? `Error response from daemon: ${result.reason.message}` : result.reason.message);
    code = 1;
  }
  return code;
}

async function inTurn(names: readonly string[], run: (name: string) => Promise<string | undefined>) {
  const results: PromiseSettledResult<string | undefined>[] = [];
  for (const name of names) results.push(...(await Promise.allSettled([run(name)])));
  return results;
}
