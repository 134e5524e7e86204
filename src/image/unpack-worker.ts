import { parentPort } from "node:worker_threads";
import { serveLayerJob } from "./layer-job.ts";

// The entry of the worker thread: one job, then it ends.
if (parentPort) {
  const port = parentPort;
  await serveLayerJob(port);
  port.close();
}
