import { type Project, refreshMs, type Service, type UpOptions } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/** What has to be done about a service's image. `orBuild`: a pull that fails is followed by a build. */
export type ImageNeed =
  | { readonly action: "none" }
  | { readonly action: "build"; readonly because: string }
  | { readonly action: "pull"; readonly because: string; readonly orBuild: boolean };

type NamedProject = Pick<Project, "name" | "name_separator">;

/** "shop-web" for an image that is built and not named. */
export const imageName = (project: NamedProject, service: Service): string =>
  service.image ?? [project.name, service.name].join(project.name_separator ?? "-");

export interface ImageFacts {
  readonly present: boolean;
  /** When it was last pulled, where that is known. */
  readonly pulledMs: number | undefined;
  readonly nowMs: number;
}

/**
 * The rule of compose-spec build.md and 05-services.md (pull_policy), with the request's own word first. A service that can be built is built rather than
 * pulled, unless its policy says otherwise.
 * @throws BerthError image/not-found where nothing may be done about a missing image
 */
export function imageNeed(
  project: NamedProject,
  service: Service,
  options: Pick<UpOptions, "build" | "pull">,
  facts: ImageFacts,
): ImageNeed {
  const explicit = options.pull && options.pull !== "policy" && options.pull !== "build" ? options.pull : service.pull_policy;
  const policy = explicit ?? "missing";
  if (service.build) {
    if (options.build === "always") return { action: "build", because: "a build was asked for" };
    if (policy === "build" && options.build !== "never") return { action: "build", because: "its pull_policy is build" };
    if (service.image && explicit !== undefined && policy !== "never" && policy !== "build") {
      const because = pullReason(policy, facts);
      if (because) return { action: "pull", because, orBuild: options.build !== "never" };
    }
    if (facts.present) return { action: "none" };
    if (options.build !== "never") return { action: "build", because: "its image is not here" };
    throw missing(project, service, "it may not be built (--no-build)", "Run `berth build` first, or leave --no-build away.");
  }
  if (policy === "never") {
    if (facts.present) return { action: "none" };
    throw missing(
      project,
      service,
      "it may not be pulled (pull policy never)",
      "Load it with `berth image load`, or change the pull policy.",
    );
  }
  const because = pullReason(policy, facts);
  return because ? { action: "pull", because, orBuild: false } : { action: "none" };
}

function pullReason(policy: string, facts: ImageFacts): string | undefined {
  if (!facts.present) return "its image is not here";
  if (policy === "always") return "its pull policy is always";
  const everyMs = refreshMs(policy);
  if (everyMs === undefined) return undefined;
  return facts.pulledMs === undefined || facts.nowMs - facts.pulledMs >= everyMs ? `its pull policy is ${policy}` : undefined;
}

function missing(project: NamedProject, service: Service, why: string, hint: string): BerthError {
  return new BerthError("image/not-found", `service ${service.name}: the image ${imageName(project, service)} is not here, and ${why}`, {
    place: { kind: "service", name: service.name },
    hint,
  });
}
