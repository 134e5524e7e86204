import type { Container, DownOptions, Network, Project, Volume } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import { imageName } from "./image-need.ts";
import { label, nameOf, serviceOf } from "./labels.ts";
import { containerStep, type ProjectContext, projectContainers, removeContainer, stopContainer } from "./project-context.ts";
import { inReverseOrder } from "./project-order.ts";

/**
 * Takes a project down: its containers, dependents first and otherwise side by side, then networks and, where asked for, volumes and images. What belongs to it
 * is told by labels, so it needs no file; with one (`project`) the containers of services that it does not have are orphans and stay unless asked for.
 */
export async function takeDown(context: ProjectContext, options: DownOptions, project: Project | undefined): Promise<void> {
  const { progress } = context;
  const file = options.project;
  const named = options.services?.length ? new Set(options.services) : undefined;
  const known = file ? new Set([...Object.keys(file.services), ...(file.disabled_services ?? [])]) : undefined;
  const all = projectContainers(context, { oneOff: true });
  const isWanted = (container: Container) => {
    const service = serviceOf(container);
    if (named) return named.has(service);
    return !known || options.removeOrphans === true || known.has(service);
  };
  const containers = all.filter(isWanted);
  const networks = named ? [] : projectNetworks(context, project);
  const volumes = options.volumes ? projectVolumes(context, project).filter(isUsedBy(project, named)) : [];
  const images = named || !options.images ? [] : projectImages(context, project, containers, options.images);
  if (options.dryRun) {
    tellPlan(context, { containers, networks, volumes, images });
    return;
  }
  if (containers.length + networks.length + volumes.length + images.length === 0) {
    progress.warn(`No resource found to remove for project "${context.name}".`);
    return;
  }
  await inReverseOrder(context, containers, (container) => remove(context, container, options));
  await Promise.all(networks.map((network) => removeNetwork(context, network)));
  await Promise.all(volumes.map((volume) => removeVolume(context, volume)));
  for (const image of images) await removeImage(context, image);
}

/** With services named, only their own volumes are meant. */
function isUsedBy(project: Project | undefined, named: ReadonlySet<string> | undefined): (volume: Volume) => boolean {
  if (!named) return () => true;
  const sources = [...named].flatMap((name) => (project?.services[name]?.volumes ?? []).map(({ source }) => source ?? ""));
  const names = new Set(sources.map((source) => project?.volumes[source]?.name));
  return ({ Name: name }) => names.has(name);
}

async function remove(context: ProjectContext, container: Container, options: DownOptions): Promise<void> {
  const { progress } = context;
  const id = containerStep(container);
  if (container.State.Running) {
    progress.begin(id, "stopping");
    try {
      await stopContainer(context, container, options.timeoutMs);
    } catch (error) {
      progress.failed(id, error);
      throw error;
    }
    progress.done(id, "stopped");
  }
  await progress.around(id, ["removing", "removed"], () => removeContainer(context, container, options.volumes === true));
}

function projectNetworks({ backend, name }: ProjectContext, project: Project | undefined): Network[] {
  const external = new Set(Object.values(project?.networks ?? {}).flatMap((one) => (one.external ? [one.name] : [])));
  return backend.networks.list().filter((network) => network.Labels[label.project] === name && !external.has(network.Name));
}

function projectVolumes({ backend, name }: ProjectContext, project: Project | undefined): Volume[] {
  const own = new Set(Object.values(project?.volumes ?? {}).flatMap((one) => (one.external ? [] : [one.name])));
  const external = new Set(Object.values(project?.volumes ?? {}).flatMap((one) => (one.external ? [one.name] : [])));
  return backend.volumes
    .list()
    .filter((volume) => (volume.Labels[label.project] === name || own.has(volume.Name)) && !external.has(volume.Name));
}

/**
 * "local": images that were built for services of the project (told by their labels, whatever the file calls them), and those under the names that a build
 * gives; "all": whatever the services use (docker/compose, pkg/compose/image_pruner.go).
 */
function projectImages(
  { backend, name }: ProjectContext,
  project: Project | undefined,
  containers: readonly Container[],
  which: "all" | "local",
): string[] {
  const services = Object.values(project?.services ?? {}).filter((service) => which === "all" || service.image === undefined);
  const fromFile = services.map((service) => imageName(project ?? { name }, service));
  const built = backend.images
    .labelled(label.project, name)
    .flatMap(({ name: image, labels }) => (!project || project.services[labels[label.service] ?? ""] ? [image] : []));
  const used = containers.map((container) => container.Config.Image ?? "");
  const fromContainers = which === "all" ? used : used.filter((image) => containers.some((one) => image === `${name}-${serviceOf(one)}`));
  const names = [...fromFile, ...fromContainers, ...built].filter((image) => image !== "" && backend.images.resolve(image) !== undefined);
  return [...new Set(names.map(withTag))];
}

/** "app" and "app:latest" are one. */
const withTag = (image: string): string => (/[:@][^/]*$/.test(image) ? image : `${image}:latest`);

/** One that others use stays, and that is said. */
async function removeNetwork({ backend, progress }: ProjectContext, network: Network): Promise<void> {
  const id = `Network ${network.Name}`;
  progress.begin(id, "removing");
  try {
    await backend.networks.remove(network.Id);
    progress.done(id, "removed");
  } catch (error) {
    if (!(error instanceof BerthError) || (error.code !== "network/in-use" && error.code !== "network/not-found")) {
      progress.failed(id, error);
      throw error;
    }
    progress.done(id, error.code === "network/in-use" ? "resource is still in use" : "removed");
  }
}

async function removeVolume({ backend, progress }: ProjectContext, volume: Volume): Promise<void> {
  const id = `Volume ${volume.Name}`;
  progress.begin(id, "removing");
  const isUsed = backend.volumes.usersOf(volume.Name) > 0;
  if (!isUsed) await backend.volumes.remove(volume.Name);
  progress.done(id, isUsed ? "resource is still in use" : "removed");
}

function removeImage({ backend, progress }: ProjectContext, image: string): void {
  const id = `Image ${image}`;
  progress.begin(id, "removing");
  try {
    backend.images.remove(image);
    progress.done(id, "removed");
  } catch (error) {
    if (!(error instanceof BerthError) || (error.code !== "image/in-use" && error.code !== "image/not-found")) {
      progress.failed(id, error);
      throw error;
    }
    progress.done(id, error.code === "image/in-use" ? "resource is still in use" : "removed");
  }
}

function tellPlan(
  { progress }: ProjectContext,
  o: { containers: readonly Container[]; networks: readonly Network[]; volumes: readonly Volume[]; images: readonly string[] },
): void {
  const steps = [
    ...o.containers.map((one) => ({ id: containerStep(one), what: `remove ${nameOf(one)}` })),
    ...o.networks.map((one) => ({ id: `Network ${one.Name}`, what: `remove network ${one.Name}` })),
    ...o.volumes.map((one) => ({ id: `Volume ${one.Name}`, what: `remove volume ${one.Name}` })),
    ...o.images.map((one) => ({ id: `Image ${one}`, what: `remove image ${one}` })),
  ];
  const because = "the project is taken down";
  const text = steps.map(({ what }) => `${what}: ${because}\n`).join("") || "Nothing to do.\n";
  progress.tell({ type: "plan", text, steps: steps.map(({ id }) => ({ id, action: "remove", because })) });
}
