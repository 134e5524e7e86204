import type { Container, Network, Volume } from "../api/index.ts";
import { isOneOff, label, nameOf, ofProject, parseDependsOn, serviceOf } from "./labels.ts";
import type { Observed, ObservedContainer } from "./state.ts";

/** What there is of a project, from the engine's objects and their labels. Pure. */
export function observedOf(o: {
  project: string;
  containers: readonly Container[];
  networks: readonly Network[];
  volumes: readonly Volume[];
  configs: Observed["configs"];
}): Observed {
  const ids = new Set(o.containers.map(({ Id }) => Id));
  const byName = (all: readonly (Network | Volume)[]) =>
    new Map(all.map((one) => [one.Name, one.Labels[label.project] === o.project ? (one.Labels[label.configHash] ?? "") : ""]));
  return {
    networks: byName(o.networks),
    volumes: byName(o.volumes),
    containers: ofProject(o.containers, o.project).map((container) => observedContainer(container, ids)),
    configs: o.configs,
  };
}

function observedContainer(container: Container, ids: ReadonlySet<string>): ObservedContainer {
  const labels = container.Config.Labels ?? {};
  const { State: state, HostConfig: hc } = container;
  const modes = [hc.NetworkMode, hc.IpcMode, hc.PidMode, hc.UTSMode].flatMap((mode) =>
    mode?.startsWith("container:") ? [mode.slice("container:".length)] : [],
  );
  const volumesFrom = (hc.VolumesFrom ?? []).map((text) => text.split(":")[0] ?? "");
  const startedMs = Date.parse(state.StartedAt);
  return {
    id: container.Id,
    name: nameOf(container),
    service: serviceOf(container),
    number: Number(labels[label.number] ?? 1),
    oneOff: isOneOff(container),
    configHash: hashOf(labels[label.configHash] ?? "", labels[label.filesHash] ?? ""),
    imageId: container.Image,
    status: state.Status,
    exitCode: state.ExitCode,
    health: state.Health?.Status ?? "none",
    createdMs: Date.parse(container.Created),
    startedMs: Math.max(startedMs, 0),
    dependsOn: parseDependsOn(labels[label.dependsOn]).map(({ service }) => service),
    networks: Object.keys(container.NetworkSettings.Networks),
    isTornOff: [...modes, ...volumesFrom].some((id) => /^[0-9a-f]{64}$/.test(id) && !ids.has(id)),
  };
}

/** The hash that decides: of the definition, and of the files that were written for the container. */
export const hashOf = (config: string, files: string): string => (files ? `${config}+${files}` : config);
