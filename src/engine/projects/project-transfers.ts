import pLimit from "p-limit";
import type { BuildDefinition, ProjectBuild, ProjectTransfer, Service } from "../../api/index.ts";
import { atATime, type Backend, imageName, Progress, prepareImages, pullImage, selectServices, type Tell } from "../../scheduler/index.ts";
import { BerthError, messageOf } from "../../system/index.ts";

/** Builds the images of these services (all that can be built where none is named). */
export async function buildProject(backend: Backend, request: ProjectBuild, tell: Tell, signal: AbortSignal): Promise<void> {
  const { project } = request;
  const selection = selectServices(project, { ...request, noDeps: request.withDependencies !== true });
  const wanted = [...selection.all].filter((name) => project.services[name]?.build);
  const progress = new Progress(tell, () => backend.nowMs());
  if (wanted.length === 0) progress.warn("No services to build");
  const adjust = (definition: BuildDefinition): BuildDefinition => ({
    ...definition,
    ...(request.noCache ? { no_cache: true } : {}),
    ...(request.pull ? { pull: true } : {}),
    ...(request.args ? { args: { ...definition.args, ...request.args } } : {}),
  });
  const needs = new Map(wanted.map((name) => [name, { action: "build" as const, because: "it was asked for" }]));
  const { auth, parallel, check } = request;
  const more = { ...(auth ? { auth } : {}), ...(parallel === undefined ? {} : { parallel }), ...(check ? { check } : {}) };
  await prepareImages({ backend, project, progress, signal, adjust, ...more }, needs);
}

/**
 * Pulls the images of these services, as far as their pull policy lets them be pulled; those that can be built and have no image of their own have none to pull.
 * One that cannot be pulled but built is no failure.
 */
export async function pullProject(backend: Backend, request: ProjectTransfer, tell: Tell, signal: AbortSignal): Promise<void> {
  const { project } = request;
  const progress = new Progress(tell, () => backend.nowMs());
  const wanted = chosen(request).filter((service) => {
    const id = `Image ${imageName(project, service)}`;
    const skip = (detail: string) => {
      progress.detail(id, "skipped", detail);
      progress.done(id, "skipped");
      return false;
    };
    if (!service.image) return service.build ? skip("No image to be pulled") : false;
    if (service.build && request.ignoreBuildable) return skip("Image can be built");
    const policy = request.policy ?? service.pull_policy;
    if (policy === "never" || policy === "build") return skip(`pull_policy is ${policy}`);
    if ((policy === "missing" || policy === "if_not_present") && backend.images.resolve(service.image))
      return skip("Image is already present locally");
    return true;
  });
  const byImage = new Map(wanted.map((service) => [imageName(project, service), service]));
  const { auth, ignoreFailures } = request;
  const toBuild: string[] = [];
  await transfer([...byImage.values()], request, progress, async (service) => {
    try {
      await pullImage({ backend, project, progress, signal, ...(auth ? { auth } : {}) }, service);
    } catch (error) {
      if (!service.build || ignoreFailures || signal.aborted) throw error;
      toBuild.push(service.name);
    }
  });
  if (toBuild.length > 0) progress.warn(`some images have to be built, by: berth build ${toBuild.sort().join(" ")}`);
}

/** Pushes the images of the services that are built here. */
export async function pushProject(backend: Backend, request: ProjectTransfer, tell: Tell, signal: AbortSignal): Promise<void> {
  const { project, auth } = request;
  const progress = new Progress(tell, () => backend.nowMs());
  const wanted = chosen(request).filter((service) => service.build && service.image);
  await transfer(wanted, request, progress, (service) => {
    const name = imageName(project, service);
    const id = `Image ${name}`;
    return progress.around(id, ["pushing", "pushed"], () =>
      backend.images.push(name, { signal, ...(auth ? { auth } : {}), onProgress: (text) => progress.detail(id, "pushing", text) }),
    );
  });
}

function chosen(request: ProjectTransfer): Service[] {
  const selection = selectServices(request.project, {
    ...(request.services ? { services: request.services } : {}),
    noDeps: request.includeDeps !== true,
  });
  return [...selection.all].flatMap((name) => request.project.services[name] ?? []);
}

/** Three at a time where nothing else is asked for; the first failure is thrown when all have ended, or told and passed over. */
async function transfer(
  services: readonly Service[],
  { ignoreFailures, parallel }: ProjectTransfer,
  progress: Progress,
  work: (service: Service) => Promise<void>,
): Promise<void> {
  const limit = pLimit(atATime(parallel, 3));
  const results = await Promise.allSettled(services.map((service) => limit(() => work(service))));
  const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  if (failures.length === 0) return;
  if (!ignoreFailures) throw failures[0];
  for (const error of failures) progress.warn(error instanceof BerthError ? error.message : messageOf(error));
}
