import { setTimeout } from "node:timers/promises";
import { type LogQuery, type Runtime, readLogs, utcTime } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";
import type { ContainerRecord } from "../containers/container-record.ts";
import type { Containers } from "../containers/containers.ts";
import { frameHead, streamType } from "../http/hijack.ts";
import { type Call, sendStream } from "../http/http.ts";
import { flag, unixMs } from "../http/query-values.ts";

/** GET /containers/{id}/logs: frames without a terminal, raw bytes with one. @throws BerthError api/bad-parameter, api/not-implemented */
export async function logs(
  call: Call,
  record: ContainerRecord,
  { runtime, containers }: { runtime: Runtime; containers: Containers },
): Promise<void> {
  const { query } = call;
  const [stdout, stderr] = [flag(query, "stdout"), flag(query, "stderr")];
  if (!stdout && !stderr) throw new BerthError("api/bad-parameter", "Bad parameters: you must choose at least one stream");
  if (record.HostConfig.LogConfig?.Type === "none")
    throw new BerthError("api/not-implemented", "configured logging driver does not support reading");
  const tty = record.Config.Tty === true;
  const [sinceMs, untilMs] = [unixMs(query.get("since")), query.get("until") === "0" ? undefined : unixMs(query.get("until"))];
  const tailText = query.get("tail") ?? "all";
  const logQuery: LogQuery = {
    stdout,
    stderr,
    follow: flag(query, "follow"),
    ...(/^\d+$/.test(tailText) ? { tail: Number(tailText) } : {}),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ended: () => !containers.find(record.Id)?.State.Running,
    wake: containers.wait(record.Id, "not-running", call.signal),
    signal: until(untilMs, call.signal),
  };
  if (!logQuery.follow) await firstOutput(record, logQuery.wake);
  call.response.writeHead(200, { "Content-Type": streamType(call, tty) });
  call.response.flushHeaders();
  const timestamps = flag(query, "timestamps");
  const details = flag(query, "details") ? logDetails(record) : "";
  const pieces = async function* () {
    for await (const batch of readLogs(runtime.logPath(record.Id), logQuery, { parts: tty && !timestamps && !details })) {
      const buffers: Buffer[] = [];
      for (const entry of batch) {
        const head = Buffer.from(`${timestamps ? `${utcTime(entry)} ` : ""}${details}`);
        if (!tty) buffers.push(frameHead(entry.stream, head.length + entry.data.length));
        buffers.push(head, entry.data);
      }
      yield Buffer.concat(buffers);
    }
  };
  await sendStream(call, pieces());
}

/** setTimeout takes no more. */
const longestMs = 2 ** 31 - 1;

/** Following ends when nothing can come any more that is old enough. */
function until(untilMs: number | undefined, signal: AbortSignal): AbortSignal {
  if (untilMs === undefined) return signal;
  const leftMs = Math.min(longestMs, Math.max(0, Math.ceil(untilMs - Date.now())));
  return AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
}

/** A start answers sooner than the process has said a word: whoever asks right after it gets what a moment later is there. */
const firstMs = 150;

async function firstOutput({ State: state }: ContainerRecord, ended: Promise<unknown> | undefined): Promise<void> {
  const leftMs = Date.parse(state.StartedAt) + firstMs - Date.now();
  if (state.Running && leftMs > 0) await Promise.race([ended, setTimeout(leftMs)]);
}

/** `k=v,k2=v2 `: the labels and variables that the log options name (`labels`, `env`) and the `tag`, before each line when details are asked for. */
function logDetails(record: ContainerRecord): string {
  const options = record.HostConfig.LogConfig?.Config ?? {};
  const names = (key: string) => (options[key] ?? "").split(",").filter(Boolean);
  const labels = names("labels").flatMap((name) => {
    const value = record.Config.Labels?.[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const env = (record.Config.Env ?? [])
    .map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)] as const)
    .filter(([name]) => names("env").includes(name));
  const tag = options["tag"] ? [["tag", tagOf(options["tag"], record)] as const] : [];
  return `${new URLSearchParams([...labels, ...env, ...tag].map(([name, value]): [string, string] => [name, value]).sort()).toString().replaceAll("&", ",")} `;
}

/** The log option `tag`, whose template has these fields (moby, daemon/logger/loginfo.go). */
function tagOf(template: string, record: ContainerRecord): string {
  const image = record.Image.replace(/^sha256:/, "");
  const fields: Readonly<Record<string, string>> = {
    ID: record.Id.slice(0, 12),
    FullID: record.Id,
    Name: record.Name.slice(1),
    ImageID: image.slice(0, 12),
    ImageFullID: record.Image,
    ImageName: record.Config.Image ?? "",
    DaemonName: "docker",
  };
  return template.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, name: string) => fields[name] ?? whole);
}
