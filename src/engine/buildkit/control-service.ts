import type { ServiceHandlers } from "./grpc-server.ts";
import { sessionStream } from "./session-stream.ts";
import type { Sessions } from "./sessions.ts";
import type { SolveJob } from "./solve-job.ts";
import type { SolveJobs } from "./solve-jobs.ts";
import type { Solver } from "./solver.ts";
import type { PruneRequest, Usage } from "./usage.ts";
import type { SolveRequest } from "./wire.ts";
import { buildkitVersion } from "./worker.ts";

/** moby.buildkit.v1.Control, as far as clients of a Docker engine use it. */
export function controlService(o: {
  solver: Solver;
  sessions: Sessions;
  jobs: SolveJobs;
  usage: Usage;
  worker: () => object;
  recordOf: (job: SolveJob) => object;
}): ServiceHandlers {
  return {
    unary: {
      Info: async () => ({ buildkitVersion }),
      ListWorkers: async () => ({ record: [o.worker()] }),
      DiskUsage: async (request: { filter: string[] }) => ({ record: o.usage.list(request.filter) }),
      Solve: async (request: SolveRequest, { signal }) => ({ ExporterResponse: await o.solver.solve(request, signal) }),
      UpdateBuildHistory: async (request: { Ref: string; Delete: boolean }) => {
        if (request.Delete) o.jobs.delete(request.Ref);
        return {};
      },
    },
    duplex: {
      // The same session as POST /session, inside a call.
      Session: async (messages, { headers, send, signal }) => {
        o.sessions.check(headers);
        await o.sessions.add(headers, sessionStream(messages as AsyncIterable<{ data: Uint8Array }>, send, signal));
      },
    },
    stream: {
      Status: async (request: { Ref: string }, { signal, send }) => {
        const job = await o.jobs.get(request.Ref, signal);
        for await (const response of job.status(signal)) await send(response);
      },
      Prune: async (request: PruneRequest, { send }) => {
        for (const record of o.usage.prune(request)) await send(record);
      },
      ListenBuildHistory: async (request: HistoryRequest, { signal, send }) => {
        const wanted = (job: SolveJob) =>
          !job.request.Internal &&
          (request.Ref === "" || job.ref === request.Ref) &&
          (!request.ActiveOnly || job.completedMs === undefined);
        const waiting: SolveJob[] = [];
        let wake = () => {};
        const stop = o.jobs.subscribe((job) => {
          waiting.push(job);
          wake();
        });
        try {
          for (const job of o.jobs
            .list()
            .filter(wanted)
            .slice(request.Limit > 0 ? -request.Limit : 0))
            await send(historyEvent(job, o.recordOf(job)));
          while (!request.EarlyExit && !signal.aborted) {
            const job = waiting.shift();
            if (job) {
              if (wanted(job)) await send(historyEvent(job, o.recordOf(job)));
              continue;
            }
            await new Promise<void>((resolve) => {
              wake = resolve;
              signal.addEventListener("abort", () => resolve(), { once: true });
            });
          }
        } finally {
          stop();
        }
      },
    },
  };
}

interface HistoryRequest {
  readonly Ref: string;
  readonly ActiveOnly: boolean;
  readonly EarlyExit: boolean;
  readonly Limit: number;
}

function historyEvent(job: SolveJob, record: object): object {
  return { type: job.completedMs === undefined ? 0 : 1, record };
}
