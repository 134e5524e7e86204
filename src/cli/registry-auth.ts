import type { Project, ProjectTransfer } from "../api/index.ts";
import { registriesWithCredentials, storedCredentials } from "../system/docker-credentials.ts";
import { registryOf, wireAuth } from "./docker/registry/auth-header.ts";
import type { Invocation } from "./invocation.ts";

/**
 * What this user stored for the registries of the project's images, and for all others where images are built: their bases may come from anywhere.
 * Empty where nothing is stored. May spawn credential helpers.
 */
export async function registryAuth(
  cli: Pick<Invocation, "env" | "signal">,
  project: Project,
): Promise<NonNullable<ProjectTransfer["auth"]>> {
  const services = Object.values(project.services);
  const hosts = new Set(services.flatMap(({ image }) => (image ? [registryOf(image)] : [])));
  if (services.some((service) => service.build))
    for (const key of registriesWithCredentials(cli.env))
      hosts.add(key.includes("index.docker.io") ? "docker.io" : key.replace(/^https?:\/\/|\/.*$/g, ""));
  const found = await Promise.all(
    [...hosts].map(async (host) => {
      const auth = await storedCredentials(host, cli);
      return auth ? [[host, wireAuth(auth)] as const] : [];
    }),
  );
  return Object.fromEntries(found.flat());
}
