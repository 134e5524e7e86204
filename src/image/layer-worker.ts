import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { BerthError } from "../system/index.ts";
import { type FromWorker, type LayerJob, serveLayerJob, type ToWorker } from "./layer-job.ts";

export interface LayerResult {
  readonly diffId: string;
  /** Sum of the sizes of its files. */
  readonly bytes: number;
}

/**
 * Runs one job in a worker thread of its own (or, where there is no bundled worker, as in unit tests, in this thread) and feeds it
 * `input` with at most a few chunks on the way. The caller removes the directory when this throws.
 */
export async function runLayerJob(
  job: LayerJob,
  o: { signal: AbortSignal; input?: AsyncIterable<Uint8Array>; workerFile?: string },
): Promise<LayerResult> {
  o.signal.throwIfAborted();
  const file = o.workerFile ?? bundledWorker();
  const channel = file === undefined ? new MessageChannel() : undefined;
  const worker = file === undefined ? undefined : new Worker(file, { resourceLimits: { maxYoungGenerationSizeMb: 4 } });
  const inline = channel ? serveLayerJob(channel.port2) : undefined;
  const port: Pick<MessagePort, "postMessage"> = channel ? channel.port1 : worker!;
  const send = (message: ToWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  let underway = 0;
  let wake: () => void = () => undefined;
  let ended = false;
  const answer = new Promise<LayerResult>((resolve, reject) => {
    const onMessage = (message: FromWorker) => {
      if ("more" in message) underway -= 1;
      else {
        ended = true;
        if ("done" in message) resolve(message.done);
        else reject(new BerthError(message.failed.code, message.failed.message));
      }
      wake();
    };
    (channel?.port1 ?? worker!).on("message", onMessage);
    worker?.on("error", (error) => {
      ended = true;
      reject(new BerthError("system/internal", `the unpacking thread ended: ${error.message}`, { cause: error }));
      wake();
    });
  });
  answer.catch(() => undefined); // awaited below; a failure while feeding must not be unhandled
  const onAbort = () => {
    send({ stop: "cancelled" });
    wake();
  };
  o.signal.addEventListener("abort", onAbort, { once: true });
  try {
    send({ job });
    if (o.input) {
      try {
        for await (const chunk of o.input) {
          if (ended || o.signal.aborted) break;
          send({ chunk });
          underway += 1;
          while (underway >= 4 && !ended && !o.signal.aborted)
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
        send({ end: true });
      } catch (error) {
        send({ stop: "the input ended" });
        await answer.catch(() => undefined);
        throw error;
      }
    }
    const result = await answer;
    o.signal.throwIfAborted();
    return result;
  } catch (error) {
    o.signal.throwIfAborted();
    throw error;
  } finally {
    o.signal.removeEventListener("abort", onAbort);
    await inline;
    channel?.port1.close();
    await worker?.terminate();
  }
}

/** Beside this bundle, or one up when this code is in a shared chunk. */
function bundledWorker(): string | undefined {
  return ["./unpack-worker.js", "../unpack-worker.js"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
}
