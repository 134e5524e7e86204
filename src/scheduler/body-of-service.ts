import type { ContainerCreateBody, Project, Service } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { containerBody } from "./container-body.ts";
import { imageName } from "./image-need.ts";
import { containersOf, type ProjectContext } from "./project-context.ts";
import { serviceFiles } from "./service-files.ts";

/**
 * The body of a service's container as things stand in the engine: with the image that its name means now and the containers that it shares with. Its files are
 * written. `declared`: the paths that the image declares as volumes.
 * @throws BerthError image/not-found
 */
export function bodyOfService(
  context: ProjectContext,
  o: { project: Project; service: Service; image?: string; number: number; name: string },
): { body: ContainerCreateBody; declared: string[] } {
  const { backend } = context;
  const { project, service, number, name } = o;
  const wanted = o.image ?? imageName(project, service);
  const image = backend.images.resolve(wanted);
  if (!image) throw new BerthError("image/not-found", `No such image: ${wanted}`);
  const body = containerBody({
    project,
    service,
    number,
    name,
    configHash: backend.configHash(service),
    image: { name: wanted, id: image.id, config: image.config },
    files: serviceFiles(project, service),
    written: (file) => backend.writeFile(project.name, file),
    containersOf: (other) => containersOf(context, other),
    containerId: (ref) => backend.containers.find(ref)?.Id,
    apiSocket: backend.apiSocket,
  });
  return { body, declared: Object.keys(image.config.config?.Volumes ?? {}) };
}
