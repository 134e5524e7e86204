import type { Project, Service } from "../api/project.ts";
import { emptyRecord } from "./model/codec.ts";

/**
 * Which services are active: those without profiles, those of an active profile (`*` is all of them), and those that are named; a service that is
 * named activates its own profiles (compose-spec 15-profiles.md).
 */
export function splitByProfiles(
  all: Readonly<Record<string, Service>>,
  profiles: readonly string[],
  named: readonly string[],
): { active: Record<string, Service>; disabled: Record<string, Service>; profiles: readonly string[] } {
  const wanted = new Set(profiles);
  for (const name of named) {
    const service = all[name];
    if (service && !isActive(service, wanted)) for (const profile of service.profiles ?? []) wanted.add(profile);
  }
  const active = emptyRecord<Service>();
  const disabled = emptyRecord<Service>();
  for (const [name, service] of Object.entries(all)) (isActive(service, wanted) ? active : disabled)[name] = service;
  return { active, disabled, profiles: [...wanted] };
}

function isActive({ profiles = [] }: Service, wanted: ReadonlySet<string>): boolean {
  return profiles.length === 0 || wanted.has("*") || profiles.some((profile) => wanted.has(profile));
}

/** The project without the networks, volumes, secrets, configs and models that none of its services uses. */
export function withoutUnused(project: Project): Project {
  const used = {
    networks: new Set<string>(),
    volumes: new Set<string>(),
    secrets: new Set<string>(),
    configs: new Set<string>(),
    models: new Set<string>(),
  };
  for (const service of Object.values(project.services)) {
    for (const name of Object.keys(service.networks ?? {})) used.networks.add(name);
    for (const mount of service.volumes ?? []) if (mount.type === "volume" && mount.source) used.volumes.add(mount.source);
    for (const { source } of [...(service.secrets ?? []), ...(service.build?.secrets ?? [])]) used.secrets.add(source);
    for (const { source } of service.configs ?? []) used.configs.add(source);
    for (const name of Object.keys(service.models ?? {})) used.models.add(name);
  }
  const { models, ...rest } = project;
  const usedModels = models ? only(models, used.models) : {};
  return {
    ...rest,
    networks: only(project.networks, used.networks),
    volumes: only(project.volumes, used.volumes),
    secrets: only(project.secrets, used.secrets),
    configs: only(project.configs, used.configs),
    ...(Object.keys(usedModels).length > 0 ? { models: usedModels } : {}),
  };
}

function only<T>(all: Readonly<Record<string, T>>, names: ReadonlySet<string>): Record<string, T> {
  const found = emptyRecord<T>();
  for (const [name, value] of Object.entries(all)) if (names.has(name)) found[name] = value;
  return found;
}

/** The project with only these services and what they depend on; names may have `*` and `?`. Dependencies that are not taken along are forgotten. */
export function selectServices(project: Project, names: readonly string[]): { project: Project; unknown: readonly string[] } {
  const chosen = new Set<string>();
  const unknown: string[] = [];
  const take = (name: string) => {
    if (chosen.has(name)) return;
    chosen.add(name);
    for (const dependency of Object.keys(project.services[name]?.depends_on ?? {})) if (project.services[dependency]) take(dependency);
  };
  for (const name of names) {
    const pattern = new RegExp(
      `^${name
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
    );
    const matching = Object.keys(project.services).filter((one) => pattern.test(one));
    if (matching.length === 0) unknown.push(name);
    for (const one of matching) take(one);
  }
  const services = emptyRecord<Service>();
  const disabled = [...(project.disabled_services ?? [])];
  for (const [name, service] of Object.entries(project.services)) {
    if (chosen.has(name)) services[name] = withDependencies(service, chosen);
    else disabled.push(name);
  }
  return { project: { ...project, services, disabled_services: disabled.sort() }, unknown };
}

function withDependencies(service: Service, chosen: ReadonlySet<string>): Service {
  const { depends_on: dependencies, ...rest } = service;
  const kept = Object.entries(dependencies ?? {}).filter(([name]) => chosen.has(name));
  return kept.length > 0 ? { ...rest, depends_on: Object.fromEntries(kept) } : rest;
}
