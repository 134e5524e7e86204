import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { BerthError, BufferGarbage } from "../system/index.ts";
import { type FromWorker, type LayerDigest, type LayerJob, serveLayerJobs, type ToWorker } from "./layer-job.ts";

/** A thread costs 50 ms of processor time to start and some megabytes to keep. */
const idleMs = 5_000;
const maxIdle = 2;

/** What is said to a thread and what it answers, whether it is one or (in unit tests, where there is no bundle) this very thread. */
interface Thread {
  readonly port: MessagePort | Worker;
  readonly worker: Worker | undefined;
  expiry?: NodeJS.Timeout;
}

/** A job that is under way, whose input comes as messages; said to a job that has ended they are nothing. */
export interface RunningJob {
  readonly result: Promise<LayerDigest>;
  say(message: { upTo: number } | { end: true } | { stop: string }): unknown;
}

/** Worker threads for layers, one job each at a time; a few wait for the next job for some seconds. */
export class LayerWorkers {
  private readonly idle: Thread[] = [];
  private readonly ending = new Set<Promise<void>>();
  private readonly file = bundledWorker();

  /**
   * Runs one job, and feeds it `input` with at most a few chunks on the way. The caller removes the directory when this throws.
   * @throws BerthError of the job
   */
  async run(job: LayerJob, o: { signal: AbortSignal; input?: AsyncIterable<Uint8Array> }): Promise<LayerDigest> {
    o.signal.throwIfAborted();
    const thread = this.take();
    let underway = 0;
    let ended = false;
    let wake: () => void = () => undefined;
    const onMore = (message: FromWorker) => {
      if ("more" in message) underway -= 1;
      wake();
    };
    thread.port.on("message", onMore);
    const answer = answerOf(thread).finally(() => {
      ended = true;
      wake();
    });
    answer.catch(() => undefined); // awaited below; a failure while feeding must not be unhandled
    const send = (message: ToWorker) => thread.port.postMessage(message);
    const onAbort = () => {
      send({ stop: "cancelled" });
      wake();
    };
    o.signal.addEventListener("abort", onAbort, { once: true });
    try {
      send({ job });
      if (o.input) {
        try {
          const garbage = new BufferGarbage();
          for await (const chunk of o.input) {
            if (ended || o.signal.aborted) break;
            send({ chunk });
            garbage.passed(chunk.length);
            underway += 1;
            while (underway >= 4 && !ended && !o.signal.aborted)
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
          }
          send({ end: true });
        } catch (error) {
          send({ stop: "the input ended" });
          throw error;
        }
      }
      return await answer;
    } catch (error) {
      o.signal.throwIfAborted();
      throw error;
    } finally {
      o.signal.removeEventListener("abort", onAbort);
      await answer.catch(() => undefined);
      thread.port.off("message", onMore);
      this.release(thread);
    }
  }

  /** Begins a job whose input is a file that grows. The caller ends it by `end` or `stop`. */
  begin(job: LayerJob): RunningJob {
    const thread = this.take();
    let ended = false;
    const result = answerOf(thread).finally(() => {
      ended = true; // the thread's next job is somebody else's
      this.release(thread);
    });
    result.catch(() => undefined); // whoever began it looks at the result when the file is complete
    thread.port.postMessage({ job });
    return { result, say: (message) => ended || thread.port.postMessage(message) };
  }

  /** Ends the threads that wait. */
  async close(): Promise<void> {
    for (const thread of this.idle.splice(0)) this.end(thread);
    await Promise.all(this.ending);
  }

  private take(): Thread {
    const thread = this.idle.pop();
    if (thread) {
      clearTimeout(thread.expiry);
      thread.worker?.ref();
      return thread;
    }
    if (this.file !== undefined) {
      const worker = new Worker(this.file, { resourceLimits: { maxYoungGenerationSizeMb: 4 } });
      return { port: worker, worker };
    }
    const { port1, port2 } = new MessageChannel();
    serveLayerJobs(port2).catch(() => undefined); // it waits for jobs until the port is closed
    return { port: port1, worker: undefined };
  }

  private release(thread: Thread): void {
    const { worker } = thread;
    if (worker === undefined || worker.threadId === -1 || this.idle.length >= maxIdle) {
      this.end(thread);
      return;
    }
    worker.unref();
    thread.expiry = setTimeout(() => {
      this.idle.splice(this.idle.indexOf(thread), 1);
      this.end(thread);
    }, idleMs).unref();
    this.idle.push(thread);
  }

  private end({ port, worker, expiry }: Thread): void {
    clearTimeout(expiry);
    if ("close" in port) {
      port.close();
      return;
    }
    const ending = Promise.resolve(worker?.terminate()).then(() => {
      this.ending.delete(ending);
    });
    this.ending.add(ending);
  }
}

/** The end of the job that a thread has now. */
function answerOf({ port, worker }: Thread): Promise<LayerDigest> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromWorker) => {
      if ("more" in message) return;
      settle();
      if ("done" in message) resolve(message.done);
      else reject(new BerthError(message.failed.code, message.failed.message));
    };
    const onError = (error: Error) => {
      settle();
      reject(new BerthError("system/internal", `the unpacking thread ended: ${error.message}`, { cause: error }));
    };
    const settle = () => {
      port.off("message", onMessage);
      worker?.off("error", onError);
    };
    port.on("message", onMessage);
    worker?.on("error", onError);
  });
}

/** Beside this bundle, or one up when this code is in a shared chunk. */
function bundledWorker(): string | undefined {
  return ["./unpack-worker.js", "../unpack-worker.js"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
}
