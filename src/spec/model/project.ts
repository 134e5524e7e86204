import type { FileObject, NetworkDefinition, Project, Service, VolumeDefinition } from "../../api/project.ts";
import type { Problems } from "../problems.ts";
import { contentKey } from "../resolve-environment.ts";
import { Mapping, type Path, Scalar, type Tree } from "../yaml/tree.ts";
import { type Codec, emptyRecord, extensionsOf, list, record, struct } from "./codec.ts";
import { service } from "./service.ts";
import { choice, flag, integer, pairs, strings, text } from "./values.ts";

type Ipam = NonNullable<NetworkDefinition["ipam"]>;
type Pool = NonNullable<Ipam["config"]>[number];

export const network: Codec<NetworkDefinition> = struct<NetworkDefinition>({
  name: text,
  driver: text,
  driver_opts: pairs,
  ipam: struct<Ipam>(
    {
      driver: text,
      config: list(struct<Pool>({ subnet: text, gateway: text, ip_range: text, aux_addresses: pairs })),
      options: { ...pairs, encode: () => undefined },
    },
    { always: true },
  ),
  external: flag,
  internal: flag,
  attachable: flag,
  labels: pairs,
  enable_ipv4: choice,
  enable_ipv6: choice,
});

export const volume: Codec<VolumeDefinition> = struct<VolumeDefinition>({
  name: text,
  driver: text,
  driver_opts: pairs,
  external: flag,
  labels: pairs,
});

const fileFields = {
  name: text,
  file: text,
  environment: text,
  content: text,
  external: flag,
  labels: pairs,
  driver: text,
  driver_opts: pairs,
  template_driver: text,
};

const plainFile: Codec<FileObject> = struct<FileObject>(fileFields);

/** Secrets and configs: content that was read from a variable is never printed, its variable is. */
const fileObject: Codec<FileObject> = {
  decode(tree, path, problems) {
    const decoded = plainFile.decode(tree, path, problems);
    const content = tree instanceof Mapping ? tree.get(contentKey) : undefined;
    return decoded && content instanceof Scalar ? { ...decoded, content: String(content.value) } : decoded;
  },
  encode({ content, ...object }, style) {
    return plainFile.encode(content === undefined || object.environment !== undefined ? object : { ...object, content }, style);
  },
};

type Model = NonNullable<Project["models"]>[string];

const model: Codec<Model> = struct<Model>({ name: text, model: text, context_size: integer, runtime_flags: strings });

export const networks: Codec<Record<string, NetworkDefinition>> = record(network);
export const volumes: Codec<Record<string, VolumeDefinition>> = record(volume);
export const secrets: Codec<Record<string, FileObject>> = record(fileObject);
export const configs: Codec<Record<string, FileObject>> = record(fileObject);
export const models: Codec<Record<string, Model>> = record(model);

/** The resources and services of a canonical tree, as plain values. */
export interface ProjectParts extends Pick<Project, "services" | "networks" | "volumes" | "secrets" | "configs"> {
  readonly models: NonNullable<Project["models"]>;
  readonly extensions: Record<string, unknown> | undefined;
}

/** Turns the canonical tree into the project's plain values: what is text there becomes numbers and booleans here. */
export function decodeProject(root: Mapping, problems: Problems): ProjectParts {
  return {
    services: decodeServices(root.get("services"), problems),
    networks: resources(networks, root, "networks", problems),
    volumes: resources(volumes, root, "volumes", problems),
    secrets: resources(secrets, root, "secrets", problems),
    configs: resources(configs, root, "configs", problems),
    models: resources(models, root, "models", problems),
    extensions: extensionsOf(root),
  };
}

function decodeServices(tree: Tree | undefined, problems: Problems): Record<string, Service> {
  const services = emptyRecord<Service>();
  for (const [name, value] of tree instanceof Mapping ? tree.entries : []) {
    const decoded = service.decode(value, ["services", name], problems);
    if (decoded) services[name] = { name, ...decoded, command: decoded.command ?? null, entrypoint: decoded.entrypoint ?? null };
  }
  return services;
}

/** A network or volume that nothing is said of (`data:`) is one all the same. */
function resources<T>(codec: Codec<Record<string, T>>, root: Mapping, key: string, problems: Problems): Record<string, T> {
  const tree = root.get(key);
  if (!(tree instanceof Mapping)) return emptyRecord();
  for (const [name, value] of tree.entries) {
    if (value instanceof Scalar && value.value === null) tree.entries.set(name, new Mapping(new Map(), value.origin));
  }
  const path: Path = [key];
  return codec.decode(tree, path, problems) ?? emptyRecord();
}
