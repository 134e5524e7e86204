import type { Project } from "../../api/index.ts";
import { usageError } from "../invocation.ts";

export interface AttachFlags {
  readonly attach?: readonly string[];
  readonly noAttach?: readonly string[];
  readonly attachDependencies?: boolean;
}

/** These services and what they depend on; all where none is named. */
export function withDependencies(project: Project, services: readonly string[]): string[] {
  if (services.length === 0) return Object.keys(project.services);
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const dependency of Object.keys(project.services[name]?.depends_on ?? {})) if (project.services[dependency]) add(dependency);
  };
  services.forEach(add);
  return [...found];
}

/**
 * Whose output an attached `up` shows: what was named, or else every service; --attach narrows it, --attach-dependencies widens it,
 * --no-attach and `attach: false` in the file leave out (the file's word gives way to a service that is named).
 */
export function attachedServices(project: Project, requested: readonly string[], flags: AttachFlags): string[] {
  for (const name of [...(flags.attach ?? []), ...(flags.noAttach ?? [])])
    if (!project.services[name])
      throw usageError(`no such service: ${name}`, `This project has: ${Object.keys(project.services).join(", ")}.`);
  const base = flags.attach?.length
    ? [...flags.attach]
    : flags.attachDependencies
      ? withDependencies(project, requested)
      : requested.length > 0
        ? [...requested]
        : Object.keys(project.services);
  return base.filter(
    (name) =>
      !flags.noAttach?.includes(name) &&
      (project.services[name]?.attach !== false || flags.attach?.includes(name) || requested.includes(name)),
  );
}

/**
 * Whose ends an attached `up` is about: the services that are named, or else those whose output is shown. What they depend on may go on, and end, by itself
 * (docker/compose, pkg/compose/up.go).
 */
export const monitoredServices = (requested: readonly string[], attached: readonly string[]): string[] => [
  ...new Set([...requested, ...attached]),
];

/** "web-1", "web-2": how the containers of a service will be called in front of their output. */
export function shortNames(project: Project, service: string, scale: Readonly<Record<string, number>> = {}): string[] {
  const definition = project.services[service];
  if (definition?.container_name) return [definition.container_name];
  const count = scale[service] ?? definition?.scale ?? definition?.deploy?.replicas ?? 1;
  return Array.from({ length: count }, (_, index) => [service, index + 1].join(project.name_separator ?? "-"));
}
