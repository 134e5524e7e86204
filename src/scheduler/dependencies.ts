import type { Service } from "../api/index.ts";
import type { Dependency } from "./state.ts";

/** Services whose container a service is tied to by its id: it joins a namespace of theirs or takes their volumes. */
export function sharedServices(service: Service): string[] {
  const modes = [service.network_mode, service.ipc, service.pid, service.uts].flatMap((mode) =>
    mode?.startsWith("service:") ? [mode.slice("service:".length)] : [],
  );
  const volumes = (service.volumes_from ?? []).flatMap((text) => (text.startsWith("container:") ? [] : [text.split(":")[0] ?? ""]));
  return [...new Set([...modes, ...volumes])];
}

/** What a service waits for: its `depends_on`, and what its namespaces, volumes and links need to be there (compose-spec 05-services.md). */
export function dependenciesOf(service: Service): Dependency[] {
  const all = new Map<string, Dependency>();
  for (const [name, { condition, restart, required }] of Object.entries(service.depends_on ?? {}))
    all.set(name, { service: name, condition, restart: restart === true, required });
  const links = (service.links ?? []).map((text) => text.split(":")[0] ?? "");
  for (const name of [...sharedServices(service), ...links])
    if (!all.has(name)) all.set(name, { service: name, condition: "service_started", restart: true, required: true });
  return [...all.values()];
}
