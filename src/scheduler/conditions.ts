import type { Container, DependencyCondition } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { nameOf } from "./labels.ts";
import type { Backend } from "./ports.ts";

/** "running_or_healthy" is what `--wait` waits for: healthy where there is a health check, else running. */
export type Condition = DependencyCondition | "running_or_healthy";

/** What one container is to a condition: fulfilled, not yet, or never (with the reason). */
export type Standing =
  | { readonly is: "met" }
  | { readonly is: "pending"; readonly lookAgainMs?: number }
  | { readonly is: "failed"; readonly why: string };

/** What runs counts as up when it has run so long: Compose's first look is as late, and it shows what ends at once. */
const steadyMs = 500;

/** Compose's rules: a container that ended cannot become healthy; one without a health check is never healthy, and says so. */
function standing(container: Container, condition: Condition, nowMs: number): Standing {
  const { State: state } = container;
  const health = state.Health?.Status;
  const ended = state.Status === "exited" || state.Status === "dead";
  const exited = { is: "failed", why: `container ${nameOf(container)} exited (${state.ExitCode})` } as const;
  switch (condition) {
    case "service_started":
      return state.Running || ended ? { is: "met" } : { is: "pending" };
    case "service_completed_successfully":
      if (!ended) return { is: "pending" };
      return state.ExitCode === 0
        ? { is: "met" }
        : { is: "failed", why: `container ${nameOf(container)} didn't complete successfully: exit ${state.ExitCode}` };
    case "service_healthy":
      if (ended) return exited;
      if (!hasHealthcheck(container)) return { is: "failed", why: `container ${nameOf(container)} has no healthcheck configured` };
      if (health === "unhealthy") return { is: "failed", why: `container ${nameOf(container)} is unhealthy` };
      return state.Running && health === "healthy" ? { is: "met" } : { is: "pending" };
    case "running_or_healthy":
      if (hasHealthcheck(container)) return standing(container, "service_healthy", nowMs);
      if (ended) return exited;
      if (!state.Running || state.Restarting) return { is: "pending" };
      return upInMs(state.StartedAt, nowMs) > 0 ? { is: "pending", lookAgainMs: upInMs(state.StartedAt, nowMs) } : { is: "met" };
  }
}

const upInMs = (startedAt: string, nowMs: number): number => Date.parse(startedAt) + steadyMs - nowMs;

const hasHealthcheck = ({ Config: { Healthcheck: check } }: Container): boolean => check?.Test !== undefined && check.Test[0] !== "NONE";

/**
 * Waits until a container is as the condition asks; wakes on its events.
 * @throws BerthError scheduler/dependency-failed, with the container's last log lines, and the signal's reason
 */
export async function waitFor(backend: Backend, id: string, condition: Condition, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const outcome = await new Promise<Standing>((resolve, reject) => {
    const look = () => {
      const container = backend.containers.find(id);
      const now: Standing = container
        ? standing(container, condition, backend.nowMs())
        : { is: "failed", why: `container ${id.slice(0, 12)} was removed` };
      clearTimeout(timer);
      if (now.is === "pending") {
        if (now.lookAgainMs !== undefined) timer = setTimeout(look, now.lookAgainMs);
        return;
      }
      finish();
      resolve(now);
    };
    const abort = () => {
      finish();
      reject(signal.reason);
    };
    const subscription = backend.events.subscribe((event) => {
      // The record says what the event is about once the event's own work is done.
      if (event.Type === "container" && event.Actor.ID === id) setImmediate(look);
    });
    const finish = () => {
      clearTimeout(timer);
      subscription.stop();
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    else look();
  });
  if (outcome.is === "failed") throw new BerthError("scheduler/dependency-failed", outcome.why, await logHint(backend, id));
}

/** The last lines of a container's log as an error's hint. */
export async function logHint(backend: Backend, id: string): Promise<{ hint?: string }> {
  const container = backend.containers.find(id);
  const lines = container ? await backend.tail(container.Id, 10) : [];
  if (!container || lines.length === 0) return {};
  return { hint: [`The last lines of ${nameOf(container)}:`, ...lines.map((line) => `  | ${line}`)].join("\n") };
}
