import type { ProjectStatus, WireError } from "../api/index.ts";
import { label } from "./labels.ts";
import type { Backend } from "./ports.ts";
import { projectContainers } from "./project-context.ts";
import type { ProjectRecord } from "./project-record.ts";

/** What is told of a project: as it is desired, or, of one that others made, as its containers' labels say. */
export function projectStatus(
  backend: Backend,
  name: string,
  o: {
    readonly record: ProjectRecord | undefined;
    readonly holds: ProjectStatus["holds"];
    readonly isBusy: boolean;
    readonly lastError?: WireError;
    readonly watch?: NonNullable<ProjectStatus["watch"]>;
  },
): ProjectStatus {
  const containers = projectContainers({ backend, name }, { oneOff: true });
  const labels = containers[0]?.Config.Labels ?? {};
  const isUp = containers.some((container) => container.State.Running);
  return {
    name,
    workingDir: o.record?.project.working_dir ?? labels[label.workingDir] ?? "",
    configFiles: o.record?.project.config_files ?? (labels[label.configFiles] ?? "").split(",").filter(Boolean),
    desired: o.record !== undefined,
    state: o.holds.length > 0 ? "waiting" : o.isBusy ? "working" : o.lastError ? "failed" : isUp ? "settled" : "stopped",
    holds: o.holds,
    ...(o.watch ? { watch: o.watch } : {}),
    ...(o.lastError ? { lastError: o.lastError } : {}),
  };
}
