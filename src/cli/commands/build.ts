import { isAbsolute, resolve } from "node:path";
import type { BuildDefinition as Build, Project, ProjectBuild } from "../../api/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { composeLabel } from "../project-containers.ts";
import { loadedProject } from "../project-source.ts";
import { registryAuth } from "../registry-auth.ts";
import { environmentEntries } from "../run-options.ts";
import { requireServices } from "../service-names.ts";
import { pushImages } from "./transfer.ts";

export interface BuildFlags {
  readonly buildArg?: readonly string[];
  readonly builder?: string;
  readonly cache: boolean;
  readonly check?: boolean;
  readonly memory?: number;
  readonly print?: boolean;
  readonly provenance?: string;
  readonly pull?: boolean;
  readonly push?: boolean;
  readonly quiet?: boolean;
  readonly sbom?: string;
  readonly ssh?: readonly string[];
  readonly withDependencies?: boolean;
}

/** `berth build`: the images of the services that have a `build`. */
export async function build(cli: Invocation, services: readonly string[], flags: BuildFlags): Promise<void> {
  if (flags.builder !== undefined && flags.builder !== "" && flags.builder !== "default")
    throw usageError(`there is no builder "${flags.builder}"`, "Berth has one builder, its own; leave --builder out.");
  const project = withBuildFlags(await loadedProject(cli, services), flags);
  requireServices(project, services);
  const built = Object.values(project.services).filter(
    (service) => service.build && (services.length === 0 || services.includes(service.name)),
  );
  if (flags.print) {
    const file = bakeFile(
      project,
      built.map((service) => service.name),
    );
    cli.print(JSON.stringify(file, undefined, 2));
    return;
  }
  if (built.length === 0) {
    cli.stderr.write("No services to build\n");
    return;
  }
  if (cli.globals.dryRun) {
    for (const service of built) cli.print(`would build the image of ${service.name} from ${service.build?.context}`);
    return;
  }
  if (flags.memory !== undefined) cli.stderr.write("warning: --memory takes no effect: a build step has the memory of this machine\n");
  const body: ProjectBuild = {
    project,
    services: [...services],
    args: environmentEntries(flags.buildArg ?? [], cli.env),
    ...(flags.cache ? {} : { noCache: true }),
    ...(flags.pull ? { pull: true } : {}),
    ...(flags.withDependencies ? { withDependencies: true } : {}),
    ...(cli.globals.parallel === undefined ? {} : { parallel: cli.globals.parallel }),
    auth: await registryAuth(cli, project),
    ...(flags.check ? { check: true } : {}),
  };
  await changeProject(
    cli,
    { method: "POST", project: project.name, action: "build", body },
    { title: "Building", quiet: flags.quiet === true },
  );
  if (flags.push)
    await pushImages(
      cli,
      project,
      built.map((service) => service.name),
      { quiet: flags.quiet === true },
    );
}

/** --ssh, --provenance and --sbom speak for every build. */
function withBuildFlags(project: Project, flags: BuildFlags): Project {
  const more = {
    ...(flags.ssh ? { ssh: [...flags.ssh] } : {}),
    ...(flags.provenance === undefined ? {} : { provenance: flags.provenance }),
    ...(flags.sbom === undefined ? {} : { sbom: flags.sbom }),
  };
  if (Object.keys(more).length === 0) return project;
  const services = Object.fromEntries(
    Object.entries(project.services).map(([name, service]) => [
      name,
      service.build ? { ...service, build: { ...service.build, ...more } } : service,
    ]),
  );
  return { ...project, services };
}

/** What `docker buildx bake` would be given. */
function bakeFile(project: Project, names: readonly string[]): object {
  const targets = names.map((name) => {
    const service = project.services[name];
    const build = service?.build;
    return [
      name,
      {
        context: build?.context,
        ...(build?.dockerfile_inline ? { "dockerfile-inline": build.dockerfile_inline } : { dockerfile: dockerfilePath(build) }),
        ...(build?.args ? { args: build.args } : {}),
        labels: { ...build?.labels, [composeLabel("project")]: project.name, [composeLabel("service")]: name },
        ...(build?.target ? { target: build.target } : {}),
        tags: [...(build?.tags ?? []), service?.image ?? `${project.name}-${name}`],
        ...(build?.cache_from ? { "cache-from": build.cache_from } : {}),
        ...(build?.cache_to ? { "cache-to": build.cache_to } : {}),
        ...(build?.platforms ? { platforms: build.platforms } : {}),
        ...(build?.additional_contexts ? { contexts: namedContexts(build.additional_contexts) } : {}),
        output: ["type=docker"],
      },
    ];
  });
  return { group: { default: { targets: names } }, target: Object.fromEntries(targets) };
}

/** Bake looks for it from where it runs, Compose from the context. */
function dockerfilePath(build: Build | undefined): string {
  const { context = "", dockerfile = "Dockerfile" } = build ?? {};
  return isAbsolute(context) ? resolve(context, dockerfile) : dockerfile;
}

/** "service:NAME" is what another target makes. */
function namedContexts(contexts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(contexts).map(([name, value]) => [name, value.replace(/^service:/, "target:")]));
}
