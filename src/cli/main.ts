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
const outputs: NodeJS.WriteStream[] = [];
const context = processContext(import.meta.dirname, interrupted.signal, (output) => {
  outputs.push(output);
  output.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(141); // The reader has gone, as with `| head`.
    throw error;
  });
});

run(process.argv.slice(2)).catch((error: unknown) => {
  throw error; // The way an error is shown has failed: Node shows it.
});

async function run(argv: readonly string[]): Promise<never> {
  const code = await exitCode(argv);
  // Sockets that are kept alive must not keep the process; what was written must get out.
  await Promise.all(outputs.map((stream) => new Promise((resolve) => stream.write("", resolve))));
  process.exit(code);
}

async function exitCode(argv: readonly string[]): Promise<number> {
  try {
    const words = dockerWords(argv);
    if (words) return await (await import("./docker/index.ts")).runDocker(words, context);
    const { runCompose } = await import("./program.ts");
    return await runCompose(argv[0] === "compose" ? argv.slice(1) : argv, context);
  } catch (error) {
    if (interrupted.signal.aborted && isAbort(error)) return 130;
    const code = reportError(error, context, argv.includes("--debug"));
    // Compose's commands know no code of their own for what the engine refuses; Docker's and `berth volume` do.
    return code === 125 && argv[0] !== "volume" && !dockerWords(argv) ? 1 : code;
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "ABORT_ERR" || error.message === "aborted");
}
