import type { DockerEvent } from "../../api/index.ts";
import { BerthError, messageOf } from "../../system/error.ts";
import type { EngineClient } from "../client/index.ts";
import { containerLogLines } from "../container-lines.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { type ContainerRow, composeLabel, nameOf, numberOf, projectContainers, serviceOf, shortName } from "../project-containers.ts";
import { projectName } from "../project-name.ts";
import { LogPrefixes } from "../render/log-lines.ts";

export interface LogsOptions {
  readonly follow?: boolean;
  readonly index?: number;
  readonly color: boolean;
  readonly logPrefix: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly tail: string;
  readonly timestamps?: boolean;
  readonly grep?: string;
  readonly json?: boolean;
}

/** `berth logs`: one container after the other, or with -f all of them as it comes, until the last has ended or Ctrl-C. Both streams go to stdout, as in Compose. */
export async function logs(cli: Invocation, services: readonly string[], options: LogsOptions): Promise<void> {
  if (!/^(all|-?\d+)$/.test(options.tail)) throw usageError(`invalid --tail "${options.tail}": it is a number of lines or "all"`);
  const [client, project] = [await cli.engine(), projectName(cli)];
  const found = await projectContainers(client, { project, all: true, oneOff: false, services, signal: cli.signal });
  const rows = found.filter((row) => options.index === undefined || numberOf(row) === options.index);
  if (rows.length === 0 && options.index !== undefined) throw usageError(`there is no container with index ${options.index}`);
  const prefixes = new LogPrefixes(
    rows.map((row) => shortName(row, project)),
    cli.color && options.color,
  );
  const wanted = options.grep === undefined ? undefined : pattern(options.grep);
  const show = async (row: ContainerRow, since = options.since): Promise<void> => {
    const name = shortName(row, project);
    prefixes.add(name);
    const query = { ...options, ...(options.json ? { timestamps: true } : {}), ...(since === undefined ? {} : { since }) };
    for await (const { stream, line } of containerLogLines(client, row.Id, query, cli.signal)) {
      if (wanted && !wanted.test(options.json ? withoutTime(line) : line)) continue;
      if (options.json) cli.print(JSON.stringify(logEntry(row, stream, line)));
      else {
        const marked = wanted && cli.color && options.color ? line.replace(marks(wanted), "\x1b[1;31m$&\x1b[0m") : line;
        cli.print(options.logPrefix ? prefixes.prefix(name) + marked : marked);
      }
    }
  };
  /** A driver that keeps nothing is no reason to leave out the others, as in Compose. */
  const showOrSayWhyNot = (row: ContainerRow, since?: string): Promise<void> =>
    show(row, since).catch((error: unknown) => {
      if (!(error instanceof BerthError) || error.code !== "api/not-implemented") throw error;
      cli.stderr.write(`warning: Can't retrieve logs for "${nameOf(row)}": ${error.message}\n`);
    });
  if (options.follow) return untilInterrupted(cli.signal, follow({ cli, client, project, rows, services, show: showOrSayWhyNot }));
  for (const row of rows) await showOrSayWhyNot(row);
}

/** @throws BerthError cli/usage for what is no regular expression */
function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw usageError(`--grep "${text}" is no regular expression: ${messageOf(error)}`);
  }
}

const marks = (wanted: RegExp): RegExp => new RegExp(wanted.source, "g");

/** One line for programs: {"time":"...","service":"web","container":"shop-web-1","stream":"stdout","line":"..."} */
function logEntry(row: ContainerRow, stream: 1 | 2, line: string) {
  const text = withoutTime(line);
  const time = line.slice(0, line.length - text.length).trimEnd();
  return { time, service: serviceOf(row), container: nameOf(row), stream: stream === 1 ? "stdout" : "stderr", line: text };
}

const withoutTime = (line: string): string => line.replace(/^\d{4}-\d\d-\d\dT\S+ ?/, "");

interface Following {
  readonly cli: Invocation;
  readonly client: EngineClient;
  readonly project: string;
  readonly rows: readonly ContainerRow[];
  readonly services: readonly string[];
  readonly show: (row: ContainerRow, since?: string) => Promise<void>;
}

/** Follows all, and those that start meanwhile from their start on; ends when none is left that runs. */
async function follow({ cli, client, project, rows, services, show }: Following): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, cli.signal]);
  const followed = new Map<string, Promise<void>>();
  const add = (row: ContainerRow, since?: string): void => {
    if (followed.has(row.Id)) return;
    const ended = show(row, since).finally(() => {
      followed.delete(row.Id);
      if (followed.size === 0) over.abort();
    });
    followed.set(row.Id, ended);
    ended.catch((error: unknown) => over.abort(error));
  };
  for (const row of rows) add(row);
  if (followed.size === 0) return;
  const filters = JSON.stringify({ type: ["container"], event: ["start"], label: [`${composeLabel("project")}=${project}`] });
  try {
    for await (const event of client.lines<DockerEvent>("GET", "/events", { query: { filters }, signal })) {
      const now = await projectContainers(client, { project, all: true, oneOff: false, services, signal });
      const row = now.find((one) => one.Id === event.Actor.ID);
      if (row) add(row, String(event.timeNano / 1e9));
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
    if (over.signal.reason instanceof Error && over.signal.reason.name !== "AbortError") throw over.signal.reason;
  }
}

/** Ctrl-C is how following ends: no error. */
async function untilInterrupted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
