import { Patterns } from "../yaml/patterns.ts";

/** How an attribute of two files becomes one, where it is not simply by key, appended or replaced. */
export type MergeRule =
  /** The later one stands alone. */
  | "replace"
  /** Mappings become lists of KEY=value, then one list after the other; what has the same key is settled afterwards. */
  | "append"
  /** As append, without what is there already. */
  | "append-new"
  /** Lists of names become mappings. */
  | "by-name"
  | "by-dependency"
  | "build"
  | "logging"
  | "ipam";

/** compose-spec 13-merge.md; compose-go, override/merge.go. */
export const mergeRules: Patterns<MergeRule> = Patterns.of<MergeRule>({
  "networks.*.ipam.config": "ipam",
  "networks.*.labels": "append",
  "volumes.*.labels": "append",
  "services.*.annotations": "append",
  "services.*.build": "build",
  "services.*.build.args": "append",
  "services.*.build.additional_contexts": "append",
  "services.*.build.extra_hosts": "append-new",
  "services.*.build.labels": "append",
  "services.*.command": "replace",
  "services.*.depends_on": "by-dependency",
  "services.*.deploy.labels": "append",
  "services.*.dns": "append",
  "services.*.dns_opt": "append",
  "services.*.dns_search": "append",
  "services.*.entrypoint": "replace",
  "services.*.env_file": "append",
  "services.*.label_file": "append",
  "services.*.environment": "append",
  "services.*.extra_hosts": "append-new",
  "services.*.healthcheck.test": "replace",
  "services.*.labels": "append",
  "services.*.volumes.*.volume.labels": "append",
  "services.*.logging": "logging",
  "services.*.models": "by-name",
  "services.*.networks": "by-name",
  "services.*.sysctls": "append",
  "services.*.tmpfs": "append",
  "services.*.ulimits.*": "replace",
});
