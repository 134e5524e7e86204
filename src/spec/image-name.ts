import type { Service } from "../api/project.ts";

/** The name of a service's image: the one that is given, else that of what is built for it. */
export function imageOf(service: Service, project: string): string {
  return service.image ?? `${project}-${service.name}`;
}
