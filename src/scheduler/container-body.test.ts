import { describe, expect, it } from "vitest";
import type { ImageConfig, Project, Service } from "../api/index.ts";
import type { BodyContext } from "./body-context.ts";
import { containerBody } from "./container-body.ts";
import { serviceFiles } from "./service-files.ts";

const project: Project = {
  name: "shop",
  services: {},
  networks: { default: { name: "shop_default" }, back: { name: "shop_back" } },
  volumes: { data: { name: "shop_data", driver_opts: { type: "tmpfs" } } },
  secrets: { token: { name: "shop_token", content: "t" }, key: { name: "shop_key", file: "/keys/key" } },
  configs: {},
  working_dir: "/srv/shop",
  config_files: ["/srv/shop/compose.yaml"],
};
const image: ImageConfig = {
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [] },
  config: { Entrypoint: ["/entry"], Cmd: ["serve"] },
};

function body(service: Partial<Service>, o: Partial<BodyContext> = {}) {
  const whole: Service = { name: "web", command: null, entrypoint: null, ...service };
  return containerBody({
    project,
    service: whole,
    number: 1,
    name: "shop-web-1",
    configHash: "c0ffee",
    image: { name: "web:1", id: "sha256:1", config: image },
    files: serviceFiles(project, whole),
    written: (file) => `/files/${file.name.split("-").slice(0, 2).join("-")}`,
    containersOf: (name) => [{ Id: `${name}-id`, Name: `/shop-${name}-1` }],
    containerId: (ref) => (ref === "known" ? "known-id" : undefined),
    apiSocket: "/run/berth/engine.sock",
    ...o,
  });
}
const host = (service: Partial<Service>) => body(service).HostConfig;

describe("a service's container", () => {
  it("has Compose's labels, and the user's", () => {
    const depends_on = { db: { condition: "service_healthy" as const, restart: true, required: true } };
    expect(body({ labels: { mine: "1" }, depends_on }).Labels).toEqual({
      mine: "1",
      "com.docker.compose.project": "shop",
      "com.docker.compose.project.working_dir": "/srv/shop",
      "com.docker.compose.project.config_files": "/srv/shop/compose.yaml",
      "com.docker.compose.version": "berth",
      "com.docker.compose.service": "web",
      "com.docker.compose.container-number": "1",
      "com.docker.compose.oneoff": "False",
      "com.docker.compose.config-hash": "c0ffee",
      "com.docker.compose.image": "sha256:1",
      "com.docker.compose.depends_on": "db:service_healthy:true",
    });
  });

  it("leaves to the image what is not given, and takes away what is given empty", () => {
    const command = ({ Cmd, Entrypoint }: ReturnType<typeof body>) => ({ Cmd, Entrypoint });
    expect(command(body({}))).toEqual({});
    expect(command(body({ command: ["x"] }))).toEqual({ Cmd: ["x"] });
    expect(command(body({ command: [] }))).toEqual({ Cmd: [], Entrypoint: ["/entry"] });
    expect(command(body({ entrypoint: [] }))).toEqual({ Entrypoint: [""] });
    expect(command(body({ entrypoint: ["sh"], command: ["-c", "x"] }))).toEqual({ Entrypoint: ["sh"], Cmd: ["-c", "x"] });
  });

  it("is in its networks under its names, the one of the highest priority first", () => {
    const made = body({
      networks: { default: null, back: { aliases: ["api"], priority: 10, ipv4_address: "10.1.0.5", interface_name: "lan0" } },
    });
    expect(made.HostConfig?.NetworkMode).toBe("shop_back");
    expect(made.NetworkingConfig?.EndpointsConfig).toEqual({
      shop_default: { Aliases: ["shop-web-1", "web"] },
      shop_back: {
        Aliases: ["shop-web-1", "web", "api"],
        IPAMConfig: { IPv4Address: "10.1.0.5" },
        DriverOpts: { "com.docker.network.endpoint.ifname": "lan0" },
      },
    });
    expect(body({}).HostConfig?.NetworkMode).toBe("shop_default");
    expect(body({ network_mode: "none" }).NetworkingConfig).toBeUndefined();
  });

  it("joins what other services have, by the id of their container", () => {
    const made = host({
      network_mode: "service:db",
      pid: "container:known",
      ipc: "host",
      volumes_from: ["db:ro", "container:other:rw"],
      links: ["db:database"],
    });
    expect(made).toMatchObject({
      NetworkMode: "container:db-id",
      PidMode: "container:known-id",
      IpcMode: "host",
      VolumesFrom: ["db-id:ro", "other:rw"],
      Links: ["shop-db-1:database"],
    });
  });

  it("publishes and exposes ports", () => {
    const made = body({
      expose: ["9000-9001", "53/udp"],
      ports: [
        { mode: "ingress", target: 80, published: "8080", protocol: "tcp", host_ip: "127.0.0.1" },
        { mode: "host", target: 80, protocol: "tcp" },
      ],
    });
    expect(made.HostConfig?.PortBindings).toEqual({
      "80/tcp": [
        { HostIp: "127.0.0.1", HostPort: "8080" },
        { HostIp: "", HostPort: "" },
      ],
    });
    expect(Object.keys(made.ExposedPorts ?? {})).toEqual(["9000/tcp", "9001/tcp", "53/udp", "80/tcp"]);
  });

  it("mounts volumes, directories, configs and secrets", () => {
    const made = host({
      volumes: [
        { type: "volume", source: "data", target: "/data", volume: { subpath: "a", nocopy: true } },
        { type: "bind", source: "/srv", target: "/srv", read_only: true, bind: { create_host_path: true, propagation: "rshared" } },
        { type: "tmpfs", target: "/tmp", tmpfs: { size: 1024, mode: 0o700 } },
      ],
      secrets: [{ source: "token" }, { source: "key" }],
      tmpfs: ["/run:size=1m"],
    });
    expect(made?.Mounts).toEqual([
      {
        Type: "volume",
        Source: "shop_data",
        Target: "/data",
        VolumeOptions: { NoCopy: true, Subpath: "a", DriverConfig: { Options: { type: "tmpfs" } } },
      },
      { Type: "bind", Source: "/srv", Target: "/srv", ReadOnly: true, BindOptions: { Propagation: "rshared", CreateMountpoint: true } },
      { Type: "tmpfs", Target: "/tmp", TmpfsOptions: { SizeBytes: 1024, Mode: 0o700 } },
      { Type: "bind", Source: "/files/secret-token", Target: "/run/secrets/token", ReadOnly: true },
      { Type: "bind", Source: "/keys/key", Target: "/run/secrets/key", ReadOnly: true },
    ]);
    expect(made?.Tmpfs).toEqual({ "/run": "size=1m" });
  });

  it("has its limits, from the service or from deploy", () => {
    const limits = { cpus: 0.5, memory: 1 << 26, pids: 9 };
    expect(host({ deploy: { resources: { limits, reservations: { memory: 1 << 25 } } } })).toMatchObject({
      NanoCpus: 5e8,
      Memory: 1 << 26,
      PidsLimit: 9,
      MemoryReservation: 1 << 25,
    });
    expect(host({ cpus: 2, mem_limit: 1 << 27, deploy: { resources: { limits } } })).toMatchObject({ NanoCpus: 2e9, Memory: 1 << 27 });
  });

  it("restarts as `restart` says, or what deploy.restart_policy means", () => {
    expect(host({ restart: "on-failure:3" })?.RestartPolicy).toEqual({ Name: "on-failure", MaximumRetryCount: 3 });
    expect(host({ deploy: { restart_policy: { condition: "any" } } })?.RestartPolicy).toEqual({ Name: "always" });
    expect(host({ restart: "no", deploy: { restart_policy: { condition: "any" } } })?.RestartPolicy).toEqual({ Name: "no" });
    expect(host({})?.RestartPolicy).toBeUndefined();
  });

  it("carries over the rest in Docker's words", () => {
    const made = body({
      environment: { A: "1", GONE: null },
      stop_grace_period: 1.5e9,
      healthcheck: { disable: true },
      extra_hosts: { "a.test": ["1.2.3.4", "::1"] },
      gpus: [{ count: -1 }],
      ulimits: { nofile: { soft: 1, hard: 2 } },
      logging: { driver: "none" },
    });
    expect(made).toMatchObject({ Env: ["A=1", "GONE"], StopTimeout: 2, Healthcheck: { Test: ["NONE"] } });
    expect(made.HostConfig).toMatchObject({
      ExtraHosts: ["a.test:1.2.3.4", "a.test:::1"],
      DeviceRequests: [{ Count: -1, Capabilities: [["gpu"]] }],
      Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
      LogConfig: { Type: "none", Config: {} },
    });
  });
});
