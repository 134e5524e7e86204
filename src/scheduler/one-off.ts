import { randomBytes } from "node:crypto";
import type { Project, RunRequest, Service } from "../api/index.ts";
import { bodyOfService } from "./body-of-service.ts";
import { imageName } from "./image-need.ts";
import { label } from "./labels.ts";
import type { ProjectContext } from "./project-context.ts";
import { noSuchService } from "./project-record.ts";

/** The service as a one-off container runs it: its own command and environment where given, no ports unless asked for, no restarts. */
function oneOffService(project: Project, request: RunRequest): Service {
  const service = project.services[request.service];
  if (!service) throw noSuchService(project, request.service);
  const { container_name: _name, ports, restart: _restart, scale: _scale, deploy, ...rest } = service;
  const { restart_policy: _policy, ...keptDeploy } = deploy ?? {};
  const publish = [...(request.servicePorts ? (ports ?? []) : []), ...(request.ports ?? [])];
  const networks = Object.entries(service.networks ?? {}).map(([key, settings]) => {
    if (request.useAliases) return [key, settings] as const;
    const { aliases: _aliases, ipv4_address: _v4, ipv6_address: _v6, ...others } = settings ?? {};
    return [key, others] as const;
  });
  return {
    ...rest,
    ...(deploy ? { deploy: keptDeploy } : {}),
    ...(service.networks ? { networks: Object.fromEntries(networks) } : {}),
    // An entrypoint of its own takes the service's command away, as with docker run.
    command: request.command?.length ? request.command : request.entrypoint ? [] : service.command,
    entrypoint: request.entrypoint ?? service.entrypoint,
    environment: { ...service.environment, ...request.environment },
    labels: { ...service.labels, ...request.labels },
    tty: request.tty ?? false,
    stdin_open: request.interactive ?? false,
    ...(publish.length > 0 ? { ports: publish } : {}),
    ...(request.volumes ? { volumes: [...(service.volumes ?? []), ...request.volumes] } : {}),
    ...(request.user !== undefined ? { user: request.user } : {}),
    ...(request.workingDir !== undefined ? { working_dir: request.workingDir } : {}),
    ...(request.capAdd ? { cap_add: [...(service.cap_add ?? []), ...request.capAdd] } : {}),
    ...(request.capDrop ? { cap_drop: [...(service.cap_drop ?? []), ...request.capDrop] } : {}),
  };
}

/** Makes the container of a `run` and answers its id; the caller attaches and starts it. */
export function createOneOff(context: ProjectContext, project: Project, request: RunRequest): string {
  const { backend, progress } = context;
  const service = oneOffService(project, request);
  const slug = randomBytes(32).toString("hex");
  const name = request.name || [project.name, service.name, "run", slug.slice(0, 12)].join(project.name_separator ?? "-");
  const image = imageName(project, project.services[request.service] ?? service);
  const { body } = bodyOfService(context, { project, service, image, number: 1, name });
  if (!request.useAliases) for (const endpoint of Object.values(body.NetworkingConfig?.EndpointsConfig ?? {})) endpoint.Aliases = [name];
  const { [label.number]: _number, ...labels } = body.Labels ?? {};
  const id = `Container ${name}`;
  progress.begin(id, "creating");
  const created = backend.containers.create(name, {
    ...body,
    AttachStdin: request.interactive === true,
    AttachStdout: true,
    AttachStderr: true,
    StdinOnce: request.interactive === true,
    Labels: {
      ...labels,
      ...(request.noDeps ? { [label.dependsOn]: "" } : {}),
      [label.oneOff]: "True",
      [label.slug]: slug,
    },
    HostConfig: { ...body.HostConfig, ...(request.remove ? { AutoRemove: true } : {}) },
  });
  progress.done(id, "created");
  return created.Id;
}
