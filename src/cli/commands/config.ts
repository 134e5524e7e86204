import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Project } from "../../api/project.ts";
import {
  configHash,
  imageOf,
  type LoadOptions,
  loadProject,
  loadTree,
  selectServices,
  toJson,
  toYaml,
  treeText,
  variablesIn,
  yamlText,
} from "../../spec/index.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { loadOptions } from "../load-options.ts";
import { columns } from "../render/columns.ts";
import { showWarnings } from "../render/warnings.ts";

export interface ConfigOptions {
  readonly format?: "yaml" | "json";
  readonly environment?: boolean;
  readonly hash?: string;
  readonly images?: boolean;
  readonly lockImageDigests?: boolean;
  readonly models?: boolean;
  readonly networks?: boolean;
  readonly consistency: boolean;
  readonly envResolution: boolean;
  readonly interpolate: boolean;
  readonly normalize: boolean;
  readonly pathResolution: boolean;
  readonly output?: string;
  readonly profiles?: boolean;
  readonly quiet?: boolean;
  readonly resolveImageDigests?: boolean;
  readonly services?: boolean;
  readonly variables?: boolean;
  readonly volumes?: boolean;
}

/** `berth config`: the project as it is understood, or one list of what is in it. */
export async function config(cli: Invocation, services: readonly string[], options: ConfigOptions): Promise<void> {
  const load = toLoadOptions(cli, services, options);
  const text = await wanted(cli, load, services, options);
  if (options.quiet) return;
  if (options.output !== undefined) await writeFile(resolve(cli.cwd, options.output), text);
  else cli.stdout.write(text);
}

function toLoadOptions(cli: Invocation, services: readonly string[], options: ConfigOptions): LoadOptions {
  return {
    ...loadOptions(cli),
    services,
    lenient: true,
    skip: {
      interpolation: !options.interpolate || options.variables === true,
      normalization: !options.normalize || cli.globals.compatibility === true,
      paths: !options.pathResolution,
      consistency: !options.consistency,
      envFiles: !options.envResolution || isList(options),
    },
  };
}

/** Lists need no env_file, so a missing one does not stop them. */
function isList({ services, volumes, networks, models, profiles, images }: ConfigOptions): boolean {
  return [services, volumes, networks, models, profiles, images].includes(true);
}

async function wanted(cli: Invocation, load: LoadOptions, services: readonly string[], options: ConfigOptions): Promise<string> {
  if (options.variables) return variables(load, options);
  const pins = options.resolveImageDigests === true || options.lockImageDigests === true;
  if (pins && !options.interpolate)
    throw usageError("without interpolation, images have no digests to be found", "Leave --no-interpolate out.");
  if (!options.interpolate && !isList(options) && options.hash === undefined && !options.environment) {
    const { root, problems } = await loadTree(load);
    showWarnings(cli, problems.warnings);
    return treeText(root, options.format ?? "yaml");
  }
  const { project: all, disabled, warnings, environment } = await loadProject(load);
  showWarnings(cli, warnings);
  const { project, unknown } = services.length > 0 ? selectServices(all, services) : { project: all, unknown: [] };
  if (unknown.length > 0)
    throw usageError(`there is no service "${unknown[0]}"`, `This project has: ${Object.keys(all.services).sort().join(", ")}.`);
  if (options.services) return lines(Object.keys(all.services));
  if (options.volumes) return lines(Object.keys(all.volumes));
  if (options.networks) return lines(Object.keys(all.networks));
  if (options.models) return lines(Object.values(all.models ?? {}).map(({ model }) => model));
  if (options.hash !== undefined) return hashes(all, options.hash);
  if (options.profiles) return lines(profilesOf(all, disabled));
  if (options.images) return lines(Object.values(project.services).map((service) => imageOf(service, project.name)));
  if (options.environment) return lines([...environment].map(([name, value]) => `${name}=${value}`));
  if (options.quiet) return "";
  const shown = pins ? await (await import("../image-digests.ts")).withImageDigests(project, cli) : project;
  return options.lockImageDigests ? imagesOnly(shown, options) : options.format === "json" ? toJson(shown) : toYaml(shown);
}

/** A file that, laid on the project's, pins its images. */
function imagesOnly(project: Project, { format }: ConfigOptions): string {
  const services = Object.entries(project.services).map(([name, { image }]) => [name, image === undefined ? {} : { image }] as const);
  const file = { services: Object.fromEntries(services) };
  return format === "json" ? `${JSON.stringify(file, undefined, 2)}\n` : yamlText(file);
}

async function variables(load: LoadOptions, { format }: ConfigOptions): Promise<string> {
  const { root } = await loadTree(load);
  const found = variablesIn(root);
  if (format === "json")
    return `${JSON.stringify(Object.fromEntries(found.map(({ name, ...rest }) => [name, goNames({ name, ...rest })])), undefined, 4)}\n`;
  if (format === "yaml") return yamlText(Object.fromEntries(found.map((one) => [one.name, lowerNames(one)])));
  const rows = found.map(({ name, required, defaultValue, presenceValue }) => [name, String(required), defaultValue, presenceValue]);
  return `${columns([["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"], ...rows])}\n`;
}

type Found = ReturnType<typeof variablesIn>[number];

function goNames({ name, required, defaultValue, presenceValue }: Found) {
  return { Name: name, DefaultValue: defaultValue, PresenceValue: presenceValue, Required: required };
}

function lowerNames({ name, required, defaultValue, presenceValue }: Found) {
  return { name, defaultvalue: defaultValue, presencevalue: presenceValue, required };
}

function hashes(project: Project, wanted: string): string {
  const names = wanted === "*" ? Object.keys(project.services) : wanted.split(",");
  return lines(
    names.map((name) => {
      const service = project.services[name];
      if (!service) throw usageError(`there is no service "${name}"`);
      return `${name} ${configHash(service)}`;
    }),
  );
}

function profilesOf({ services }: Project, disabled: Project["services"]): string[] {
  return [...new Set([...Object.values(services), ...Object.values(disabled)].flatMap(({ profiles = [] }) => profiles))];
}

function lines(words: readonly string[]): string {
  return [...words]
    .sort()
    .map((word) => `${word}\n`)
    .join("");
}
