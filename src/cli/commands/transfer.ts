import type { Project, ProjectTransfer } from "../../api/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { loadedProject } from "../project-source.ts";
import { registryAuth } from "../registry-auth.ts";
import { requireServices } from "../service-names.ts";

export interface TransferFlags {
  readonly ignoreBuildable?: boolean;
  readonly ignorePullFailures?: boolean;
  readonly ignorePushFailures?: boolean;
  readonly includeDeps?: boolean;
  readonly policy?: "missing" | "always";
  readonly quiet?: boolean;
}

/** `berth pull`: the images of the services. */
export async function pull(cli: Invocation, services: readonly string[], flags: TransferFlags): Promise<void> {
  const project = await loadedProject(cli, services);
  requireServices(project, services);
  if (cli.globals.dryRun) return printDryRun(cli, project, services, "pull", flags.ignoreBuildable === true);
  const body: ProjectTransfer = {
    ...(await transfer(cli, project, services, flags)),
    ...(flags.ignoreBuildable ? { ignoreBuildable: true } : {}),
    ...(flags.policy ? { policy: flags.policy } : {}),
  };
  await changeProject(
    cli,
    { method: "POST", project: project.name, action: "pull", body },
    { title: "Pulling", quiet: flags.quiet === true },
  );
}

/** `berth push`: the images of the services that have a `build`. */
export async function push(cli: Invocation, services: readonly string[], flags: TransferFlags): Promise<void> {
  const project = await loadedProject(cli, services);
  requireServices(project, services);
  if (cli.globals.dryRun) return printDryRun(cli, project, services, "push", false);
  await pushImages(cli, project, services, flags);
}

export async function pushImages(cli: Invocation, project: Project, services: readonly string[], flags: TransferFlags): Promise<void> {
  const unnamed = Object.values(project.services).find((service) => services.includes(service.name) && service.build && !service.image);
  if (unnamed)
    throw usageError(`service "${unnamed.name}" has no image name to push to`, "Give it `image:` with the registry's name in front.");
  const body = await transfer(cli, project, services, flags);
  await changeProject(
    cli,
    { method: "POST", project: project.name, action: "push", body },
    { title: "Pushing", quiet: flags.quiet === true },
  );
}

async function transfer(cli: Invocation, project: Project, services: readonly string[], flags: TransferFlags): Promise<ProjectTransfer> {
  return {
    project,
    services: [...services],
    auth: await registryAuth(cli, project),
    ...(cli.globals.parallel === undefined ? {} : { parallel: cli.globals.parallel }),
    ...(flags.includeDeps ? { includeDeps: true } : {}),
    ...(flags.ignorePullFailures || flags.ignorePushFailures ? { ignoreFailures: true } : {}),
  };
}

function printDryRun(
  cli: Invocation,
  project: Project,
  services: readonly string[],
  verb: "pull" | "push",
  ignoreBuildable: boolean,
): void {
  for (const service of Object.values(project.services)) {
    if (services.length > 0 && !services.includes(service.name)) continue;
    if (verb === "push" ? !service.build || !service.image : !service.image || (service.build && ignoreBuildable)) continue;
    cli.print(`would ${verb} ${service.image} for ${service.name}`);
  }
}
