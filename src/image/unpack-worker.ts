import { parentPort } from "node:worker_threads";
import { serveLayerJobs } from "./layer-job.ts";

// The entry of the worker thread: jobs until it is terminated.
if (parentPort) await serveLayerJobs(parentPort);
