import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { processContext } from "./context.ts";
import { dockerWords } from "./docker-words.ts";
import { reportError } from "./report-error.ts";

// The entry of the command line. Everything beyond these few files is loaded by the command that needs it: start-up is what people wait for.
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // A command that handles a signal itself adds its own listener; a second one of the default kind ends the process at once.
    if (process.listenerCount(signal) > 1) return;
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort(signal);
  });
}
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(141); // The reader has gone, as with `| head`.
    throw error;
  });
}

const context = processContext(dirname(fileURLToPath(import.meta.url)), interrupted.signal);
const argv = process.argv.slice(2);
let code: number;
try {
  const words = dockerWords(argv);
  if (words) {
    const { runDocker } = await import("./docker/index.ts");
    code = await runDocker(words, context);
  } else {
    const { runCompose } = await import("./program.ts");
    code = await runCompose(argv[0] === "compose" ? argv.slice(1) : argv, context);
  }
} catch (error) {
  code = interrupted.signal.aborted && isAbort(error) ? 130 : reportError(error, context, argv.includes("--debug"));
}
// Sockets that are kept alive must not keep the process; what was written must get out.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write("", resolve))));
process.exit(code);

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "ABORT_ERR" || error.message === "aborted");
}
