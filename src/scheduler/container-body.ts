import type { ContainerConfig, ContainerCreateBody, EndpointSettings, ImageConfig, Project, Service } from "../api/index.ts";
import type { BodyContext } from "./body-context.ts";
import { dependenciesOf } from "./dependencies.ts";
import { defaultNetworks, defined, hostConfig } from "./host-config.ts";
import { formatDependsOn, label, projectLabels } from "./labels.ts";
import { filesHash } from "./service-files.ts";
import { serviceMounts } from "./service-mounts.ts";

/** "shop-web-1", or the service's own `container_name`. */
export function containerName(project: Pick<Project, "name" | "name_separator">, service: Service, number: number): string {
  return service.container_name || [project.name, service.name, number].join(project.name_separator ?? "-");
}

/** The only translation of a service to a container: the body of POST /containers/create. Pure. */
export function containerBody(o: BodyContext): ContainerCreateBody {
  const { service } = o;
  const mounts = serviceMounts(o.project, service, o.files, o.written);
  if (service.use_api_socket) mounts.push({ Type: "bind", Source: o.apiSocket, Target: "/var/run/docker.sock" });
  const networks = service.network_mode ? {} : endpoints(o);
  return {
    ...config(o),
    HostConfig: hostConfig(service, o, mounts),
    ...(Object.keys(networks).length > 0 ? { NetworkingConfig: { EndpointsConfig: networks } } : {}),
  };
}

function config(o: BodyContext): ContainerConfig {
  const { service, image } = o;
  return defined<ContainerConfig>({
    Image: image.name,
    AttachStdout: true,
    AttachStderr: true,
    Hostname: service.hostname,
    Domainname: service.domainname,
    User: service.user,
    Tty: service.tty,
    OpenStdin: service.stdin_open,
    WorkingDir: service.working_dir,
    ...command(service, image.config),
    Env: service.environment
      ? Object.entries(service.environment).map(([name, value]) => (value === null ? name : `${name}=${value}`))
      : undefined,
    ExposedPorts: exposedPorts(service),
    StopSignal: service.stop_signal,
    StopTimeout: service.stop_grace_period === undefined ? undefined : Math.ceil(service.stop_grace_period / 1e9),
    Healthcheck: healthcheck(service),
    Labels: labels(o),
  });
}

/** `[]` takes the image's away. The API cannot say that of a command alone, but an entrypoint that is given has no command of the image. */
function command(service: Service, image: ImageConfig): Pick<ContainerConfig, "Cmd" | "Entrypoint"> {
  const entrypoint = service.entrypoint === null ? null : service.entrypoint.length > 0 ? service.entrypoint : [""];
  const cleared = service.command !== null && service.command.length === 0 && entrypoint === null;
  const own = image.config?.Entrypoint;
  return {
    ...(service.command === null ? {} : { Cmd: service.command }),
    ...(entrypoint !== null ? { Entrypoint: entrypoint } : cleared ? { Entrypoint: own?.length ? own : [""] } : {}),
  };
}

function labels(o: BodyContext): Record<string, string> {
  const files = filesHash(o.files);
  return {
    ...o.service.labels,
    ...projectLabels(o.project),
    [label.service]: o.service.name,
    [label.number]: String(o.number),
    [label.oneOff]: "False",
    [label.configHash]: o.configHash,
    [label.image]: o.image.id,
    [label.dependsOn]: formatDependsOn(dependenciesOf(o.service)),
    ...(files ? { [label.filesHash]: files } : {}),
  };
}

function exposedPorts(service: Service): ContainerConfig["ExposedPorts"] {
  const expose = (service.expose ?? []).flatMap((text) => {
    const [range = "", protocol = "tcp"] = text.split("/");
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
  });
  const keys = [...expose, ...(service.ports ?? []).map((port) => `${port.target}/${port.protocol || "tcp"}`)];
  return keys.length > 0 ? Object.fromEntries(keys.map((key) => [key, {}])) : undefined;
}

function healthcheck({ healthcheck: check }: Service): ContainerConfig["Healthcheck"] {
  if (!check) return undefined;
  return defined<NonNullable<ContainerConfig["Healthcheck"]>>({
    Test: check.disable ? ["NONE"] : check.test,
    Interval: check.interval,
    Timeout: check.timeout,
    StartPeriod: check.start_period,
    StartInterval: check.start_interval,
    Retries: check.retries,
  });
}

/** In every network of the service: its container's name, the service's and the aliases of that network. */
function endpoints(o: BodyContext): Record<string, EndpointSettings> {
  const all = Object.entries(o.service.networks ?? defaultNetworks(o));
  return Object.fromEntries(
    all.map(([key, settings]) => [
      o.project.networks[key]?.name ?? key,
      defined<EndpointSettings>({
        Aliases: [...new Set([o.name, o.service.name, ...(settings?.aliases ?? [])])],
        IPAMConfig:
          settings?.ipv4_address || settings?.ipv6_address || settings?.link_local_ips?.length
            ? defined<NonNullable<EndpointSettings["IPAMConfig"]>>({
                IPv4Address: settings.ipv4_address,
                IPv6Address: settings.ipv6_address,
                LinkLocalIPs: settings.link_local_ips,
              })
            : undefined,
        MacAddress: settings?.mac_address ?? (all.length === 1 ? o.service.mac_address : undefined),
        DriverOpts: driverOptions(settings?.driver_opts, settings?.interface_name),
        GwPriority: settings?.gw_priority,
      }),
    ]),
  );
}

function driverOptions(options: Record<string, string> | undefined, interfaceName: string | undefined): Record<string, string> | undefined {
  if (!interfaceName) return options;
  return { ...options, "com.docker.network.endpoint.ifname": interfaceName };
}
