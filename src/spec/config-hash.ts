import { createHash } from "node:crypto";
import type { NetworkDefinition, Service, VolumeDefinition } from "../api/project.ts";
import { goJson } from "./go-json.ts";
import { network as networkCodec, volume as volumeCodec } from "./model/project.ts";
import { service as codec } from "./model/service.ts";

/**
 * The hash by which a container is known to be of this definition of its service: SHA-256 of the service as Compose prints it, without what changes no
 * container (build, pull_policy, scale, replicas, depends_on, profiles). Compose comes to the same one for the same service (pkg/compose/hash.go).
 */
export function configHash(service: Service): string {
  const { build: _, pull_policy: _policy, scale: _scale, depends_on: _dependencies, profiles: _profiles, deploy, ...rest } = service;
  const { replicas: _replicas, ...deployment } = deploy ?? {};
  const hashed = deploy ? { ...rest, deploy: deployment } : rest;
  return digest(codec.encode(hashed, "json"));
}

/** The same for a network. */
export function networkHash(definition: NetworkDefinition): string {
  return digest(networkCodec.encode(definition, "json"));
}

/** The same for a volume, where no driver is the local one. */
export function volumeHash(definition: VolumeDefinition): string {
  return digest(volumeCodec.encode({ ...definition, driver: definition.driver || "local" }, "json"));
}

const digest = (value: unknown): string => createHash("sha256").update(goJson(value)).digest("hex");
