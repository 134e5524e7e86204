import type { Service } from "../../api/project.ts";
import type { Problems } from "../problems.ts";
import { didYouMean } from "../suggestion.ts";
import { type Checked, placeIn } from "./checked.ts";
import { checkDependencies } from "./dependencies.ts";
import { checkPublishedPorts } from "./published-ports.ts";

/** Reports what does not fit together in a project, all of it at once (compose-go, loader/validate.go). */
export function checkConsistency(checked: Checked): void {
  for (const service of Object.values(checked.project.services)) new ServiceCheck(service, checked).run();
  checkContainerNames(checked);
  checkPublishedPorts(checked);
  checkDependencies(checked);
}

class ServiceCheck {
  readonly #service: Service;
  readonly #checked: Checked;

  constructor(service: Service, checked: Checked) {
    this.#service = service;
    this.#checked = checked;
  }

  run(): void {
    const service = this.#service;
    if (!service.build && !service.image && !service.provider) {
      this.#error("spec/schema", [], "it has neither an image nor a build", "Say which image it runs, or how to build one.");
    }
    this.#checkBuild();
    this.#checkReferences();
    this.#checkLimits();
    this.#checkMounts();
    const first = service.healthcheck?.test?.[0];
    if (first !== undefined && !["CMD", "CMD-SHELL", "NONE"].includes(first)) {
      this.#error("spec/value", ["healthcheck", "test"], `a test begins with CMD, CMD-SHELL or NONE, not "${first}"`);
    }
    for (const [index, rule] of (service.develop?.watch ?? []).entries()) {
      if (rule.target || rule.action === "rebuild" || rule.action === "restart") continue;
      this.#error("spec/schema", ["develop", "watch", index], `${rule.action} needs a target: where the files go`);
    }
  }

  #checkBuild(): void {
    const { build, platform } = this.#service;
    if (!build) return;
    if (build.dockerfile_inline && build.dockerfile) {
      this.#error("spec/conflict", ["build", "dockerfile"], "dockerfile and dockerfile_inline exclude each other");
    }
    for (const [name, context] of Object.entries(build.additional_contexts ?? {})) {
      if (!context.startsWith("service:")) continue;
      const target = context.slice("service:".length);
      const other = this.#checked.project.services[target];
      const path = ["build", "additional_contexts", name];
      if (!other) this.#undefined("service", target, path, this.#checked.project.services);
      else if (!other.build) this.#error("spec/conflict", path, `the service "${target}" is not built`);
    }
    if (platform && build.platforms && !build.platforms.includes(platform)) {
      this.#error("spec/conflict", ["build", "platforms"], `the service's platform ${platform} is not among them`);
    }
  }

  #checkReferences(): void {
    const service = this.#service;
    const { project } = this.#checked;
    if (service.network_mode && service.networks && Object.keys(service.networks).length > 0) {
      this.#error("spec/conflict", ["network_mode"], "network_mode and networks exclude each other");
    }
    for (const name of Object.keys(service.network_mode ? {} : (service.networks ?? {}))) {
      if (!project.networks[name]) this.#undefined("network", name, ["networks", name], project.networks);
    }
    for (const [index, mount] of (service.volumes ?? []).entries()) {
      if (mount.type !== "volume" || !mount.source || project.volumes[mount.source]) continue;
      const hint = `Add it under volumes:, or write ./${mount.source} for the directory.`;
      this.#undefined("volume", mount.source, ["volumes", index], project.volumes, hint);
    }
    for (const kind of ["secrets", "configs"] as const) {
      for (const [index, reference] of (service[kind] ?? []).entries()) {
        if (!project[kind][reference.source]) this.#undefined(kind.slice(0, -1), reference.source, [kind, index], project[kind]);
      }
    }
    for (const [index, reference] of (service.build?.secrets ?? []).entries()) {
      if (!project.secrets[reference.source]) this.#undefined("secret", reference.source, ["build", "secrets", index], project.secrets);
    }
    for (const name of Object.keys(service.models ?? {})) {
      if (!project.models?.[name]) this.#undefined("model", name, ["models", name], project.models ?? {});
    }
  }

  #checkLimits(): void {
    const { scale, deploy, container_name: containerName } = this.#service;
    const limits = deploy?.resources?.limits;
    const differ = (
      key: "cpus" | "mem_limit" | "mem_reservation" | "pids_limit",
      other: number | undefined,
      given: boolean,
      path: string,
    ) => {
      const own = this.#service[key];
      if (own === undefined || !given || own === (other ?? 0)) return;
      this.#error("spec/conflict", [key], `${key} and ${path} differ`, "Give one of them.");
    };
    differ("cpus", limits?.cpus, limits !== undefined, "deploy.resources.limits.cpus");
    differ("mem_limit", limits?.memory, limits !== undefined, "deploy.resources.limits.memory");
    differ("pids_limit", limits?.pids, limits !== undefined, "deploy.resources.limits.pids");
    const reservations = deploy?.resources?.reservations;
    differ("mem_reservation", reservations?.memory, reservations !== undefined, "deploy.resources.reservations.memory");
    const replicas = deploy?.replicas;
    if (scale !== undefined && replicas !== undefined && scale !== replicas) {
      this.#error("spec/conflict", ["scale"], "scale and deploy.replicas differ", "Give one of them.");
    }
    const number = scale ?? replicas ?? 1;
    const key = scale === undefined ? ["deploy", "replicas"] : ["scale"];
    if (number < 0) this.#error("spec/value", key, "this cannot be less than 0");
    if (number > 1 && containerName) {
      this.#error(
        "spec/conflict",
        ["container_name"],
        `${number} containers cannot all be called "${containerName}"`,
        "Remove container_name, or the number.",
      );
    }
  }

  #checkMounts(): void {
    const at = new Map<string, string>();
    const add = (target: string, path: (string | number)[]) => {
      const earlier = at.get(target);
      if (earlier) this.#error("spec/conflict", path, `${target} is mounted already, by ${earlier}`);
      else at.set(target, `${path[0]}[${path[1]}]`);
    };
    for (const [index, tmpfs] of (this.#service.tmpfs ?? []).entries()) add(tmpfs.split(":", 1)[0] ?? "", ["tmpfs", index]);
    for (const [index, mount] of (this.#service.volumes ?? []).entries()) add(mount.target, ["volumes", index]);
  }

  #undefined(what: string, name: string, path: readonly (string | number)[], known: object, hint?: string): void {
    const suggestion = didYouMean(name, Object.keys(known));
    this.#error(
      "spec/undefined",
      path,
      `there is no ${what} "${name}"`,
      suggestion ?? hint ?? didYouMean(name, Object.keys(known), "This project has"),
    );
  }

  #error(code: Parameters<Problems["error"]>[0], path: readonly (string | number)[], message: string, hint?: string): void {
    this.#checked.problems.error(code, message, placeIn(this.#checked, ["services", this.#service.name, ...path]), hint);
  }
}

function checkContainerNames(checked: Checked): void {
  const owners = new Map<string, string>();
  for (const { name, container_name: containerName } of Object.values(checked.project.services)) {
    if (!containerName) continue;
    const owner = owners.get(containerName);
    if (owner === undefined) owners.set(containerName, name);
    else {
      const where = placeIn(checked, ["services", name, "container_name"]);
      checked.problems.error("spec/conflict", `the service "${owner}" has this container_name already`, where);
    }
  }
}
