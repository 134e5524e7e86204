import pLimit from "p-limit";
import type { Project } from "../api/project.ts";
import { authHeader, registryOf } from "./docker/registry/auth-header.ts";
import type { Invocation } from "./invocation.ts";

/**
 * The project with every image pinned to the digest that its registry has under that name now, asked through the engine; an image that has a digest
 * keeps it. What is only built has no name at a registry, and stays as it is.
 * @throws BerthError image/not-found, image/registry
 */
export async function withImageDigests(project: Project, cli: Invocation): Promise<Project> {
  const images = [...new Set(Object.values(project.services).flatMap(({ image }) => (image ? [image] : [])))];
  const limit = pLimit(4);
  const pinned = new Map(await Promise.all(images.map((image) => limit(async () => [image, await pinnedName(image, cli)] as const))));
  const services = Object.entries(project.services).map(([name, service]) => {
    const image = service.image && pinned.get(service.image);
    return [name, image ? { ...service, image } : service] as const;
  });
  return { ...project, services: Object.fromEntries(services) };
}

async function pinnedName(image: string, cli: Invocation): Promise<string> {
  const name = canonicalImage(image);
  if (name.includes("@")) return name;
  const headers = await authHeader(cli, name);
  const engine = await cli.engine();
  const { Descriptor } = await engine.json<{ Descriptor: { digest: string } }>("GET", `/distribution/${encodeURIComponent(name)}/json`, {
    headers,
    signal: cli.signal,
  });
  return `${name}@${Descriptor.digest}`;
}

/** "nginx" -> "docker.io/library/nginx:latest"; of a tag and a digest the digest alone counts (distribution/reference, ParseDockerRef). */
export function canonicalImage(image: string): string {
  const [named = "", digest] = image.split("@", 2);
  const domain = registryOf(named);
  const path = named.startsWith(`${domain}/`) ? named.slice(domain.length + 1) : named;
  const repository = domain === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  const tagAt = repository.lastIndexOf(":");
  const hasTag = tagAt > repository.lastIndexOf("/");
  if (digest !== undefined) return `${domain}/${hasTag ? repository.slice(0, tagAt) : repository}@${digest}`;
  return `${domain}/${repository}${hasTag ? "" : ":latest"}`;
}
