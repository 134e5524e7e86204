import type { Container } from "../api/index.ts";
import { humanDuration } from "../api/index.ts";

/** What is known of one container's state, a sentence a line: what it does, how it ended last, its restarts, its health with the last answers. */
export function explainContainer(container: Container, nowMs: number): string[] {
  const { State: state, HostConfig: host, RestartCount: restarts } = container;
  const name = container.Name.replace(/^\//, "");
  const ago = (time: string) => `${humanDuration(nowMs - Date.parse(time))} ago`;
  const started = Date.parse(state.StartedAt) > 0 ? state.StartedAt : undefined;
  const finished = Date.parse(state.FinishedAt) > 0 ? state.FinishedAt : undefined;
  const policy = host.RestartPolicy?.Name || "no";
  const lines = [
    state.Running && started
      ? `${name} is ${state.Paused ? "paused" : state.Restarting ? "waiting to be started again" : "running"}, started ${ago(started)}.`
      : started
        ? `${name} has ended${finished ? ` ${ago(finished)}` : ""}.`
        : `${name} was never started.`,
  ];
  if (state.Error) lines.push(`It could not be started: ${state.Error}`);
  if (finished && (!state.Running || restarts > 0)) lines.push(`Its last exit: ${exitText(state.ExitCode, state.OOMKilled)}`);
  if (restarts > 0 || policy !== "no") lines.push(`Restarted ${restarts} ${restarts === 1 ? "time" : "times"} by its policy (${policy}).`);
  else if (!state.Running) lines.push("Its restart policy is no: it is not started again by itself.");
  const { Health: health } = state;
  if (!health || health.Status === "none") return lines;
  const failing = health.FailingStreak > 0 ? `, ${health.FailingStreak} checks in a row have failed` : "";
  lines.push(`Its health is ${health.Status}${failing}. The check: ${(container.Config.Healthcheck?.Test ?? []).join(" ")}`);
  for (const entry of health.Log) {
    const output = entry.Output.trim().split("\n").slice(-3).join(" / ");
    lines.push(`  ${entry.Start.slice(11, 19)} exit code ${entry.ExitCode}${output ? `: ${output}` : ""}`);
  }
  return lines;
}

/** "137 (killed: it used more memory than it may)" */
export function exitText(code: number, oomKilled: boolean): string {
  return `exit code ${code} (${oomKilled ? "killed: it used more memory than it may" : exitMeaning(code)})`;
}

function exitMeaning(code: number): string {
  const known: Readonly<Record<number, string>> = {
    0: "success",
    125: "the engine could not start it",
    126: "its command is not executable",
    127: "its command was not found",
    130: "interrupted, SIGINT",
    134: "it aborted itself, SIGABRT",
    137: "killed, SIGKILL",
    139: "it crashed, SIGSEGV",
    143: "told to end, SIGTERM",
  };
  return known[code] ?? (code > 128 && code < 160 ? `ended by signal ${code - 128}` : "it failed");
}
