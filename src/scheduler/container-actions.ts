import type { Container, ProjectAction } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { execute } from "./execute.ts";
import { label, parseDependsOn, serviceOf } from "./labels.ts";
import { observedOf } from "./observe.ts";
import { plan } from "./plan.ts";
import { containerStep, type ProjectContext, projectContainers, removeContainer, stopContainer } from "./project-context.ts";
import { dependenciesOfServices, inReverseOrder, settleAll } from "./project-order.ts";
import type { DesiredEntry } from "./project-record.ts";
import type { Desired } from "./state.ts";
import { UpEffects } from "./up-effects.ts";
import type { Holds } from "./wait-for-dependency.ts";
import { waitForServices } from "./wait-for-services.ts";

export type ActionKind = "start" | "stop" | "restart" | "kill" | "pause" | "unpause" | "rm";

export const actionKinds: readonly ActionKind[] = ["start", "stop", "restart", "kill", "pause", "unpause", "rm"];

export interface ActionsContext {
  readonly context: ProjectContext;
  readonly entries: Readonly<Record<string, DesiredEntry>>;
  readonly holds: Holds;
}

/** Does to the containers that there are what the request names, as `docker compose` does. @throws BerthError scheduler/no-such-service, project/not-found */
export async function actOn(o: ActionsContext, kind: ActionKind, action: ProjectAction): Promise<void> {
  const containers = chosen(o.context, action, kind);
  // Who names a service is told where there was nothing to do.
  const isNamed = (action.services ?? []).length > 0;
  switch (kind) {
    case "start":
      await start(o, containers);
      if (action.wait) await waitForServices(o.context, new Set(containers.map(serviceOf)), o.entries, action.waitTimeoutMs);
      return;
    case "stop":
      return stop(o.context, containers, action);
    case "restart":
      return restart(o, containers, action);
    case "kill":
      return each(
        o.context,
        containers.filter((one) => one.State.Running),
        ["killing", "killed"],
        (one) => o.context.backend.containers.kill(one.Id, action.signal ?? "SIGKILL"),
      );
    case "pause":
      return each(
        o.context,
        containers.filter((one) => one.State.Running && (isNamed || !one.State.Paused)),
        ["pausing", "paused"],
        (one) => o.context.backend.containers.pause(one.Id),
      );
    case "unpause":
      return each(
        o.context,
        containers.filter((one) => one.State.Running && (isNamed || one.State.Paused)),
        ["unpausing", "unpaused"],
        (one) => o.context.backend.containers.unpause(one.Id),
      );
    case "rm":
      return rm(o.context, containers, action);
  }
  kind satisfies never;
}

function chosen(context: ProjectContext, action: ProjectAction, kind: ActionKind): Container[] {
  const all = projectContainers(context, { oneOff: kind === "rm" || kind === "kill" });
  const known = new Set([...all.map(serviceOf), ...Object.keys(action.project?.services ?? {})]);
  for (const name of action.services ?? [])
    if (!known.has(name))
      throw new BerthError("scheduler/no-such-service", `no such service: ${name}`, {
        place: { kind: "service", name },
        hint: `This project has: ${[...known].sort().join(", ") || "no services"}.`,
      });
  // With a file, what it does not have is an orphan; without one all of the project is meant.
  const file = action.project && !action.removeOrphans ? new Set(Object.keys(action.project.services)) : undefined;
  const named = action.services?.length ? new Set(action.services) : file;
  const list = all.filter((container) => !named || named.has(serviceOf(container)));
  if (list.length === 0 && kind === "start")
    throw new BerthError("project/not-found", `no container found for project "${context.name}"`, {
      hint: "`berth up` makes and starts them.",
    });
  return list;
}

/** Those that exist, in dependency order; what they wait for is waited for. The planner does it: it is an `up` that makes nothing. */
async function start(o: ActionsContext, containers: readonly Container[]): Promise<void> {
  const { context } = o;
  const dependencies = dependenciesOfServices(context, containers);
  const services = [...dependencies].map(([name, dependsOn]) => ({
    name,
    replicas: containers.filter((container) => serviceOf(container) === name).length,
    configHash: "",
    config: {},
    imageId: undefined,
    dependsOn,
    networks: [],
    volumes: [],
    recreate: "never" as const,
    start: true,
  }));
  const desired: Desired = {
    project: context.name,
    requestedMs: Number.MAX_SAFE_INTEGER,
    networks: [],
    volumes: [],
    services,
    removeOrphans: false,
    known: services.map(({ name }) => name),
  };
  const seen = observedOf({ project: context.name, containers, networks: [], volumes: [], configs: new Map() });
  const observed = { ...seen, containers: seen.containers.map((container) => ({ ...container, isTornOff: false })) };
  const effects = new UpEffects({
    context,
    project: { name: context.name, services: {}, networks: {}, volumes: {}, secrets: {}, configs: {}, working_dir: "", config_files: [] },
    entries: Object.fromEntries(services.map(({ name, replicas }) => [name, entryOf(o, name, replicas)])),
    holds: o.holds,
  });
  const outcome = await execute(plan(desired, observed), effects, { signal: context.signal, concurrency: 8 });
  if (outcome.failed[0]) throw outcome.failed[0].error;
  context.signal.throwIfAborted();
}

function entryOf({ context, entries }: ActionsContext, name: string, replicas: number): DesiredEntry {
  const definition = context.definition(name) ?? entries[name]?.definition ?? { name, command: null, entrypoint: null };
  return { definition, replicas, start: true, settled: true };
}

function stop(context: ProjectContext, containers: readonly Container[], action: ProjectAction): Promise<void> {
  return inReverseOrder(context, containers, async (container) => {
    // An engine that sees it stopped already still has to note that it was asked for.
    if (!container.State.Running) return stopContainer(context, container, action.timeoutMs);
    await context.progress.around(containerStep(container), ["stopping", "stopped"], () =>
      stopContainer(context, container, action.timeoutMs),
    );
  });
}

/** Those that depend on what is restarted are restarted with it, where they asked for that (`depends_on: restart: true`). */
async function restart(o: ActionsContext, containers: readonly Container[], action: ProjectAction): Promise<void> {
  const { context } = o;
  const services = new Set(containers.map(serviceOf));
  const followers = action.noDeps
    ? []
    : projectContainers(context).filter(
        (container) =>
          !services.has(serviceOf(container)) &&
          container.State.Running &&
          parseDependsOn(container.Config.Labels?.[label.dependsOn]).some((one) => one.restart && services.has(one.service)),
      );
  const all = [...containers, ...followers];
  await inReverseOrder(context, all, async (container) => {
    context.progress.begin(containerStep(container), "restarting");
    await stopContainer(context, container, action.timeoutMs);
  });
  const stopped = all.flatMap((container) => context.backend.containers.find(container.Id) ?? []);
  await start(o, stopped);
  for (const { Id } of stopped) if (context.backend.containers.find(Id)?.State.Running) context.backend.containers.tellRestart(Id);
}

/** Only what does not run, unless it is stopped first. */
async function rm(context: ProjectContext, containers: readonly Container[], action: ProjectAction): Promise<void> {
  if (action.stop) await stop(context, containers, action);
  const idle = containers.flatMap((container) => context.backend.containers.find(container.Id) ?? []).filter((one) => !one.State.Running);
  if (idle.length === 0) return context.progress.warn("No stopped containers");
  await each(context, idle, ["removing", "removed"], (container) => removeContainer(context, container, action.volumes === true));
}

async function each(
  context: ProjectContext,
  containers: readonly Container[],
  words: readonly [string, string],
  work: (container: Container) => Promise<void>,
): Promise<void> {
  await settleAll(containers.map((container) => context.progress.around(containerStep(container), words, () => work(container))));
}
