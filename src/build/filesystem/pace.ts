/** Lets a long synchronous loop give way: `await pace()` costs nothing until `sliceMs` have passed, then lets the engine answer others. */
export function pacer(signal: AbortSignal, sliceMs = 12): () => Promise<void> | undefined {
  let until = performance.now() + sliceMs;
  return () => {
    if (performance.now() < until) return undefined;
    signal.throwIfAborted();
    return new Promise((resolve) =>
      setImmediate(() => {
        until = performance.now() + sliceMs;
        resolve();
      }),
    );
  };
}
