import type { Container, DependencyCondition, Project } from "../api/index.ts";
import type { Dependency } from "./state.ts";

/** The labels by which Compose, and every tool that knows it, finds what belongs to a project (docker/compose pkg/api/labels.go has their names). */
export const label = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  configHash: "com.docker.compose.config-hash",
  oneOff: "com.docker.compose.oneoff",
  slug: "com.docker.compose.slug",
  image: "com.docker.compose.image",
  dependsOn: "com.docker.compose.depends_on",
  workingDir: "com.docker.compose.project.working_dir",
  configFiles: "com.docker.compose.project.config_files",
  environmentFile: "com.docker.compose.project.environment_file",
  version: "com.docker.compose.version",
  network: "com.docker.compose.network",
  volume: "com.docker.compose.volume",
  replace: "com.docker.compose.replace",
  /** Berth's own: a digest of the configs and secrets that were written for the container. */
  filesHash: "sh.berth.files-hash",
} as const;

/** Told as the version of what made a container. */
export const composeVersion = "berth";

export function projectLabels(project: Project): Record<string, string> {
  return {
    [label.project]: project.name,
    [label.workingDir]: project.working_dir,
    [label.configFiles]: project.config_files.join(","),
    ...(project.environment_files?.length ? { [label.environmentFile]: project.environment_files.join(",") } : {}),
    [label.version]: composeVersion,
  };
}

/** "db:service_healthy:false,queue:service_started:true": service, condition, restart. */
export function formatDependsOn(dependencies: readonly Dependency[]): string {
  return dependencies.map(({ service, condition, restart }) => `${service}:${condition}:${restart}`).join(",");
}

/** The same, read back; parts that nobody could have written are left out. */
export function parseDependsOn(text: string | undefined): Dependency[] {
  return (text ?? "").split(",").flatMap((part) => {
    const [service, condition = "service_started", restart] = part.split(":");
    if (!service || !isCondition(condition)) return [];
    return [{ service, condition, restart: restart === "true", required: true }];
  });
}

function isCondition(text: string): text is DependencyCondition {
  return ["service_started", "service_healthy", "service_completed_successfully"].includes(text);
}

/** "shop-web-1": a container's name as people know it. */
export const nameOf = (container: Pick<Container, "Name">): string => container.Name.slice(1);
export const serviceOf = (container: Pick<Container, "Config">): string => container.Config.Labels?.[label.service] ?? "";
export const isOneOff = (container: Pick<Container, "Config">): boolean =>
  container.Config.Labels?.[label.oneOff]?.toLowerCase() === "true";

/** What one container of a project answers to a question for all of it. */
export function ofProject<T extends Pick<Container, "Config">>(containers: readonly T[], project: string): T[] {
  return containers.filter((container) => container.Config.Labels?.[label.project] === project);
}
