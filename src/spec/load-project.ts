import { homedir } from "node:os";
import type { Readable } from "node:stream";
import type { Project, Service } from "../api/project.ts";
import { BerthError } from "../system/error.ts";
import { placeIn } from "./checks/checked.ts";
import { checkConsistency } from "./checks/consistency.ts";
import { checkSupport } from "./checks/support.ts";
import { findProjectFiles, noComposeFile, type ProjectFiles, type ProjectSelection } from "./environment/project-files.ts";
import { withFilesRead } from "./environment/service-files.ts";
import { loadModel } from "./load-model.ts";
import { emptyRecord } from "./model/codec.ts";
import { decodeProject } from "./model/project.ts";
import { type ModelFile, readModelFile } from "./model-source.ts";
import { normalize } from "./normalize.ts";
import { Problems, type SpecWarning } from "./problems.ts";
import { splitByProfiles, withoutUnused } from "./profiles.ts";
import { projectNameOf } from "./project-name.ts";
import type { Skips } from "./read-document.ts";
import { parseYaml } from "./yaml/parse.ts";
import { type Mapping, Scalar } from "./yaml/tree.ts";

export interface LoadOptions extends ProjectSelection {
  /** Read where a file is "-". */
  /** Opened for `-f -` only. */
  readonly stdin: () => Readable;
  /** Services named on the command line: their profiles become active. */
  readonly services?: readonly string[] | undefined;
  /** Keep networks, volumes, secrets and configs that no service uses. */
  readonly allResources?: boolean | undefined;
  /** The project is only looked at: what Berth refuses to run is a warning. */
  readonly lenient?: boolean | undefined;
  /** Steps that are left out (`berth config --no-...`). */
  readonly skip?: Skips | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadedProject {
  readonly project: Project;
  /** The services of `disabled_services`: in the files, and in no active profile. Their env_files were not read. */
  readonly disabled: Readonly<Record<string, Service>>;
  readonly warnings: readonly SpecWarning[];
  /** The variables that the files were interpolated with. */
  readonly environment: ReadonlyMap<string, string>;
}

/** A project's files as one canonical tree, before it becomes plain values. */
export interface LoadedTree {
  readonly root: Mapping;
  readonly name: string;
  readonly files: ProjectFiles;
  readonly problems: Problems;
}

/**
 * Reads a project: finds its files, makes them one, and checks them. Everything that is wrong is thrown at once: a BerthError, or an AggregateError
 * of them, each with its place.
 */
export async function loadProject(options: LoadOptions): Promise<LoadedProject> {
  const { root, name, files, problems } = await loadTree(options);
  const parts = decodeProject(root, problems);
  problems.throwIfAny();
  const { active, disabled, profiles } = splitByProfiles(parts.services, files.profiles, options.services ?? []);
  const { services: _, models, extensions, ...resources } = parts;
  const project: Project = {
    name,
    services: active,
    ...resources,
    ...(Object.keys(models).length > 0 ? { models } : {}),
    ...(Object.keys(disabled).length > 0 ? { disabled_services: Object.keys(disabled).sort() } : {}),
    ...(extensions ? { extensions } : {}),
    working_dir: files.directory,
    config_files: [...files.files],
    ...(options.envFiles?.length || options.env["COMPOSE_ENV_FILES"] ? { environment_files: [...files.envFiles] } : {}),
    ...(profiles.length > 0 ? { profiles: [...profiles] } : {}),
  };
  if (!options.skip?.consistency) checkConsistency({ project, disabled, root, problems });
  const services = emptyRecord<Service>();
  for (const service of Object.values(active)) {
    if (options.skip?.envFiles) services[service.name] = service;
    else
      services[service.name] = withFilesRead(service, files.environment, problems, (...path) =>
        placeIn({ root }, ["services", service.name, ...path]),
      );
  }
  const complete = options.allResources ? { ...project, services } : withoutUnused({ ...project, services });
  checkSupport(root, complete, problems, options.lenient === true);
  problems.throwIfAny();
  return {
    project: complete,
    disabled,
    warnings: problems.warnings,
    environment: files.environment,
  };
}

/** The files as one canonical tree. @throws as loadProject */
export async function loadTree(options: LoadOptions): Promise<LoadedTree> {
  const { skip = {} } = options;
  const found = findProjectFiles(options);
  if (found.files.length === 0) throw noComposeFile(options.cwd);
  const problems = new Problems();
  for (const warning of found.warnings) problems.warn(warning);
  const modelFiles: ModelFile[] = [];
  for (const file of found.files) modelFiles.push(file === "-" ? await readStdin(options, problems) : readModelFile(file, problems));
  problems.throwIfAny();
  const documents = modelFiles.flatMap((file) => file.documents);
  const name = projectNameOf(options, found, documents);
  const environment = new Map(found.environment).set("COMPOSE_PROJECT_NAME", name);
  const files = { ...found, environment };
  const root = loadModel(
    { files: modelFiles, directory: files.directory, shownDirectory: ".", environment, includedBy: [] },
    { skip, problems, home: environment.get("HOME") ?? homedir() },
  );
  problems.throwIfAny();
  if (root.entries.size === 0) {
    throw new BerthError("spec/schema", "this Compose file is empty", { place: { file: modelFiles.at(-1)?.file ?? "-" } });
  }
  if (!skip.normalization) {
    root.entries.set("name", new Scalar(name, root.originOf("name")));
    // What is not interpolated takes no values from the environment either.
    normalize(root, name, (key) => (skip.interpolation ? undefined : environment.get(key)));
  }
  return { root, name, files, problems };
}

async function readStdin({ stdin: open, signal }: LoadOptions, problems: Problems): Promise<ModelFile> {
  const stdin = open();
  const chunks: Buffer[] = [];
  for await (const chunk of signal ? stdin.iterator({ destroyOnReturn: false }) : stdin) {
    signal?.throwIfAborted();
    chunks.push(Buffer.from(chunk as Uint8Array | string));
  }
  return { file: "-", documents: parseYaml("-", Buffer.concat(chunks).toString("utf8"), problems) };
}
