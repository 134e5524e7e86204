import type { Call } from "../command.ts";
import { DockerExit } from "../usage-error.ts";

/** A terminal inside with typing from here needs a terminal here. @throws DockerExit */
export function checkTerminal({ stdin }: Pick<Call, "stdin">, o: { tty: boolean; stdin: boolean }): void {
  if (o.tty && o.stdin && !stdin.isTTY) throw new DockerExit(1, "the input device is not a TTY");
}
