import { readFileSync } from "node:fs";
import { type BuildImages, MergedTree, type Solved } from "../../build/index.ts";
import { BerthError } from "../../system/index.ts";
import type { DockerfileFrontend } from "./dockerfile-frontend.ts";
import { goMode } from "./files/wire-stat.ts";
import type { CallContext, ServiceHandlers } from "./grpc-server.ts";
import type { Protocol } from "./protocol.ts";
import { fetchSource, remoteSource } from "./remote-source.ts";
import { resultDefinition } from "./result-definition.ts";
import type { SolveJob } from "./solve-job.ts";
import type { SolveJobs } from "./solve-jobs.ts";
import { StatusError } from "./solve-status.ts";
import { isDockerfile, llbRefused } from "./solver.ts";
import type { GatewayResult, GatewaySolveRequest, WireStatus } from "./wire.ts";

/**
 * moby.buildkit.v1.frontend.LLBBridge: the calls of a client that drives its own Solve, as buildx does. Each names its build in the metadata.
 * Front ends are solved, results read; containers and graphs of operations are not served.
 */
export function gatewayService(o: {
  jobs: SolveJobs;
  frontend: DockerfileFrontend;
  protocol: Protocol;
  images: BuildImages;
  worker: () => object;
}): ServiceHandlers {
  const jobOf = async ({ header, signal }: CallContext): Promise<SolveJob> => {
    const ref = header("buildkit-controlapi-buildid");
    if (!ref) throw new BerthError("api/bad-parameter", "no buildid found in context");
    return await o.jobs.get(ref, signal);
  };
  const resultOf = async (id: string, context: CallContext): Promise<Solved> => {
    const result = (await jobOf(context)).results.get(id);
    if (!result) throw new BerthError("api/not-found", `the build has no result ${id}`);
    return result;
  };
  return {
    unary: {
      Ping: async (_: object, context) => {
        await jobOf(context);
        return { FrontendAPICaps: caps(frontendCaps), LLBCaps: caps(llbCaps), Workers: [o.worker()] };
      },
      Inputs: async () => ({ Definitions: {} }),
      Solve: async (request: GatewaySolveRequest, context) => {
        const job = await jobOf(context);
        if (request.Definition && request.Definition.def.length > 0) {
          const source = remoteSource(o.protocol, request.Definition);
          if (!source) throw llbRefused();
          const found = await job.track(fetchSource(source, job, { directory: o.images.tempDir(), signal: context.signal }));
          return { result: { ref: { id: job.addResult(found), def: request.Definition }, metadata: {} } };
        }
        // Without a front end it is the empty result.
        if (request.Frontend === "") return { result: { ref: { id: "" }, metadata: {} } };
        if (!isDockerfile(request.Frontend, request.FrontendOpt))
          throw new BerthError("build/unsupported", `the front end ${request.FrontendOpt["source"] || request.Frontend} is not supported`);
        job.frontendAttrs = request.FrontendOpt;
        const { solved, metadata } = await o.frontend.run(job, request.FrontendOpt, request.FrontendInputs, context.signal);
        if (!solved) return { result: { ref: { id: "" }, metadata } };
        const id = job.addResult(solved);
        return { result: { ref: { id, def: resultDefinition(o.protocol, id) }, metadata } };
      },
      Evaluate: async (request: { Ref: string }, context) => {
        if (request.Ref !== "") await resultOf(request.Ref, context);
        return {};
      },
      Return: async (request: { result: GatewayResult | null; error: WireStatus | null }, context) => {
        const job = await jobOf(context);
        if (request.error && request.error.code !== 0) job.rejectReturn(new StatusError(request.error));
        else job.resolveReturn(request.result ?? { metadata: {} });
        return {};
      },
      Warn: async (request: { short: Uint8Array; url: string }, context) => {
        const message = Buffer.from(request.short).toString();
        (await jobOf(context)).tell({ type: "warning", message, ...(request.url ? { url: request.url } : {}) });
        return {};
      },
      ResolveImageConfig: async (request: { Ref: string }) => {
        const image = o.images.resolve(request.Ref);
        if (!image) throw new BerthError("build/base-image", `${request.Ref}: not found`);
        return { Digest: image.id, Config: Buffer.from(JSON.stringify(image.config)), Ref: request.Ref };
      },
      ReadFile: async (request: { Ref: string; FilePath: string; Range: { Offset: number; Length: number } | null }, context) => {
        const entry = found(await resultOf(request.Ref, context), request.FilePath);
        if (!entry.stat.isFile()) throw new BerthError("api/bad-parameter", `${request.FilePath} is not a file`);
        const data = readFileSync(entry.hostPath);
        const { Offset = 0, Length = 0 } = request.Range ?? {};
        return { Data: Length > 0 ? data.subarray(Offset, Offset + Length) : data.subarray(Offset) };
      },
      ReadDir: async (request: { Ref: string; DirPath: string }, context) => {
        const tree = treeOf(await resultOf(request.Ref, context));
        const path = inTree(request.DirPath);
        const list = tree.list(path);
        return { entries: list.map((entry) => statOf(entry)) };
      },
      StatFile: async (request: { Ref: string; Path: string }, context) => ({
        stat: statOf(found(await resultOf(request.Ref, context), request.Path)),
      }),
    },
  };
}

const frontendCaps =
  "solve.base solve.inlinereturn resolveimage resolveimage.resolvemode readfile return returnmap readdir statfile importcaches proto.refarray reference.output frontend.inputs gateway.solve.metadata frontend.caps gateway.solve.evaluate gateway.evaluate gateway.warnings";
/** Of the graphs that clients write down themselves: enough for what they check before they ask for a Dockerfile build. */
const llbCaps =
  "source.image source.image.resolvemode source.local source.local.unique source.local.sessionid source.local.includepatterns source.local.followpaths source.local.excludepatterns source.local.sharedkeyhint source.local.differ source.git source.http exec.meta.base file.base exporter.multiple gc.freespacefilter constraints platform meta.ignorecache meta.description";

function caps(names: string): object[] {
  return names.split(" ").map((ID) => ({ ID, Enabled: true }));
}

type Entry = NonNullable<ReturnType<MergedTree["entry"]>>;

function treeOf(result: Solved): MergedTree {
  return new MergedTree([...result.lowerDirs], "the result");
}

function inTree(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function found(result: Solved, path: string): Entry {
  const entry = treeOf(result).entry(inTree(path));
  if (!entry) throw new BerthError("api/not-found", `${path}: no such file or directory`);
  return entry;
}

function statOf(entry: Entry): object {
  const { stat } = entry;
  return {
    path: entry.name,
    mode: goMode(Number(stat.mode)),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: Number(stat.size),
    modTime: String(stat.mtimeNs),
  };
}
