import type { Service, UpOptions } from "../api/index.ts";
import { dependenciesOf, sharedServices } from "./dependencies.ts";
import { defaultNetworks } from "./host-config.ts";
import type { ImageNeed } from "./image-need.ts";
import { hashOf } from "./observe.ts";
import type { Backend } from "./ports.ts";
import type { ProjectRecord, Selection } from "./project-record.ts";
import { filesHash, serviceFiles } from "./service-files.ts";
import type { Desired, DesiredService } from "./state.ts";

export interface DesiredContext {
  readonly record: ProjectRecord;
  readonly selection: Selection;
  readonly options: Pick<UpOptions, "recreate" | "alwaysRecreateDeps" | "removeOrphans">;
  readonly hashes: Pick<Backend, "configHash" | "networkHash" | "volumeHash">;
  imageId(service: Service): string | undefined;
  imageNeed?(service: Service): ImageNeed;
}

/** The part of the desired state that a request is about, as the planner takes it. */
export function desiredOf(o: DesiredContext): Desired {
  const { project, services } = o.record;
  const chosen = Object.entries(services).filter(([name]) => o.selection.all.has(name));
  const list = chosen.map(([, entry]) => desiredService(o, entry));
  const networks = new Set(list.flatMap((service) => service.networks));
  const volumes = new Set(list.flatMap((service) => service.volumes));
  const resource = ({ name, external }: { name: string; external?: boolean }, hash: string) => ({
    name,
    external: external === true,
    hash,
  });
  return {
    project: project.name,
    requestedMs: o.record.requestedMs,
    networks: Object.values(project.networks)
      .filter((network) => networks.has(network.name))
      .map((network) => resource(network, o.hashes.networkHash(network))),
    volumes: Object.values(project.volumes)
      .filter((volume) => volumes.has(volume.name))
      .map((volume) => resource(volume, o.hashes.volumeHash(volume))),
    services: list,
    removeOrphans: o.options.removeOrphans === true,
    known: [...Object.keys(project.services), ...(project.disabled_services ?? [])],
  };
}

function desiredService(o: DesiredContext, entry: ProjectRecord["services"][string]): DesiredService {
  const { definition: service, replicas, start } = entry;
  const { project } = o.record;
  const need = o.imageNeed?.(service) ?? { action: "none" };
  const { recreate = "changed", alwaysRecreateDeps } = o.options;
  const isDirect = o.selection.direct.has(service.name);
  return {
    name: service.name,
    replicas,
    configHash: hashOf(o.hashes.configHash(service), filesHash(serviceFiles(project, service))),
    config: comparedConfig(service),
    imageId: o.imageId(service),
    ...(need.action === "none" ? {} : { image: { action: need.action, because: need.because } }),
    dependsOn: dependenciesOf(service),
    shares: sharedServices(service),
    networks: service.network_mode
      ? []
      : Object.keys(service.networks ?? defaultNetworks({ project })).map((key) => project.networks[key]?.name ?? key),
    volumes: (service.volumes ?? []).flatMap((volume) =>
      volume.type === "volume" && volume.source ? [project.volumes[volume.source]?.name ?? volume.source] : [],
    ),
    // Dependencies are made again only when they changed, or all together were asked for.
    recreate: isDirect || recreate === "never" ? recreate : alwaysRecreateDeps ? "always" : "changed",
    start,
  };
}

/** What decides whether a container is as it should be: how it is called, built, ordered and counted does not. */
function comparedConfig(service: Service): Record<string, unknown> {
  const { name: _name, build: _build, depends_on: _on, scale: _scale, pull_policy: _policy, profiles: _profiles, ...rest } = service;
  return rest;
}

/** Definitions of services by the hash that their containers carry: to say what changed since. */
export function knownConfigs(hashes: Pick<Backend, "configHash">, record: ProjectRecord | undefined): Map<string, Record<string, unknown>> {
  return new Map(
    Object.values(record?.services ?? {}).map(({ definition }) => {
      const files = record ? filesHash(serviceFiles(record.project, definition)) : "";
      return [hashOf(hashes.configHash(definition), files), comparedConfig(definition)];
    }),
  );
}
