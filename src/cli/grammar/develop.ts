import { declare, type Grammar } from "./declare.ts";

/** Commands around the development loop. */
export function declareDevelop(grammar: Grammar): void {
  declare(
    grammar,
    "watch [SERVICE...]",
    "bring changes of the sources into what runs, as develop.watch says",
    (command) =>
      command.option("--no-up", "do not build and start the services first").option("--quiet", "do not show what builds print first"),
    async () => (await import("../commands/watch.ts")).watch,
  );
}
