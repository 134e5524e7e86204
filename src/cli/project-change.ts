import type { ProjectEvent, StepEvent } from "../api/index.ts";
import { BerthError } from "../system/error.ts";
import { type EngineClient, wireErrorOf } from "./client/index.ts";
import type { Invocation } from "./invocation.ts";
import { progressStyle } from "./render/build-progress.ts";
import { ProjectProgress } from "./render/project-progress.ts";

export type ProjectResult = Extract<ProjectEvent, { type: "result" }>;

export interface ProjectRequest {
  readonly method: "PUT" | "POST" | "DELETE";
  readonly project: string;
  /** What comes after /projects/NAME. */
  readonly action?: string;
  readonly body: object;
}

/** The events of one request, as the engine tells them, ending with `result`. */
export function projectEvents(
  client: EngineClient,
  { method, project, action, body }: ProjectRequest,
  signal: AbortSignal,
): AsyncGenerator<ProjectEvent> {
  const path = `/projects/${encodeURIComponent(project)}${action ? `/${action}` : ""}`;
  return client.lines<ProjectEvent>(method, path, { body, signal });
}

export interface ChangeOptions {
  /** "[+] Running 1/2": what the counting line says. */
  readonly title?: string;
  readonly quietPull?: boolean;
  readonly quietBuild?: boolean;
  /** Nothing but warnings and errors. */
  readonly quiet?: boolean;
}

/**
 * Sends one request and shows on stderr what happens, until it is done. A dry run prints its plan on stdout instead.
 * @throws BerthError with what the engine says went wrong
 */
export async function changeProject(cli: Invocation, request: ProjectRequest, o: ChangeOptions = {}): Promise<ProjectResult> {
  const client = await cli.engine();
  const progress = projectProgress(cli, o);
  let result: ProjectResult | undefined;
  try {
    for await (const event of projectEvents(client, request, cli.signal)) {
      if (event.type === "result") result = event;
      else if (event.type === "plan" && cli.globals.dryRun) cli.print(event.text.trimEnd());
      else if (isShown(event, o)) progress.event(event);
    }
  } catch (error) {
    // The engine goes on with what it was asked for when its caller goes away: who presses Ctrl-C wants it to end.
    if (cli.signal.aborted && (request.method === "PUT" || request.action === "run"))
      await client.json("POST", `/projects/${encodeURIComponent(request.project)}/cancel`);
    throw error;
  } finally {
    progress.end();
  }
  return checkedResult(result);
}

/** The progress of this command line's --progress and --ansi, on stderr. */
function projectProgress(cli: Invocation, o: ChangeOptions = {}): ProjectProgress {
  return new ProjectProgress({
    out: cli.stderr,
    style: o.quiet ? "quiet" : progressStyle(cli.globals.progress, cli.stderr, cli.globals.ansi),
    color: cli.colorErr,
    ...(o.title ? { title: o.title } : {}),
  });
}

/** --quiet-pull leaves out how a pull gets on, --quiet-build what a build prints. */
export function isShown(event: ProjectEvent, o: ChangeOptions): boolean {
  if (event.type === "build") return !o.quietBuild;
  return !(o.quietPull && event.type === "step" && isPulling(event));
}

const isPulling = (event: StepEvent): boolean => event.status === "pulling" && !event.error;

/** @throws BerthError where the result is an error, or there is none */
export function checkedResult(result: ProjectResult | undefined): ProjectResult {
  if (!result)
    throw new BerthError("api/unavailable", "the engine closed the connection before it was done", {
      hint: "`berth ps -a` shows how far it came; its log says why it ended.",
    });
  if (!result.ok) throw wireErrorOf(result.error);
  return result;
}
