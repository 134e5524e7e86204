import type { NetworkCreateBody, NetworkDefinition, Project, VolumeCreateBody, VolumeDefinition } from "../api/index.ts";
import { composeVersion, label } from "./labels.ts";

/** A project's network as the body of POST /networks/create. `key` is its name in the file. */
export function networkBody(project: Project, key: string, definition: NetworkDefinition, hash: string): NetworkCreateBody {
  const ipam = definition.ipam;
  return {
    Name: definition.name,
    ...(definition.driver ? { Driver: definition.driver } : {}),
    ...(definition.internal ? { Internal: true } : {}),
    ...(definition.attachable ? { Attachable: true } : {}),
    ...(definition.enable_ipv4 === undefined ? {} : { EnableIPv4: definition.enable_ipv4 }),
    ...(definition.enable_ipv6 === undefined ? {} : { EnableIPv6: definition.enable_ipv6 }),
    ...(ipam
      ? {
          IPAM: {
            ...(ipam.driver ? { Driver: ipam.driver } : {}),
            ...(ipam.options ? { Options: ipam.options } : {}),
            Config: (ipam.config ?? []).map((entry) => ({
              ...(entry.subnet ? { Subnet: entry.subnet } : {}),
              ...(entry.gateway ? { Gateway: entry.gateway } : {}),
              ...(entry.ip_range ? { IPRange: entry.ip_range } : {}),
              ...(entry.aux_addresses ? { AuxiliaryAddresses: entry.aux_addresses } : {}),
            })),
          },
        }
      : {}),
    Options: definition.driver_opts ?? {},
    Labels: { ...definition.labels, ...resourceLabels(project, label.network, key, hash) },
  };
}

/** A project's volume as the body of POST /volumes/create. */
export function volumeBody(project: Project, key: string, definition: VolumeDefinition, hash: string): VolumeCreateBody & { Name: string } {
  return {
    Name: definition.name,
    ...(definition.driver ? { Driver: definition.driver } : {}),
    ...(definition.driver_opts ? { DriverOpts: definition.driver_opts } : {}),
    Labels: { ...definition.labels, ...resourceLabels(project, label.volume, key, hash) },
  };
}

function resourceLabels(project: Project, kind: string, key: string, hash: string): Record<string, string> {
  return { [label.project]: project.name, [kind]: key, [label.version]: composeVersion, [label.configHash]: hash };
}
