import { existsSync, readFileSync } from "node:fs";
import type { Service } from "../../api/project.ts";
import { BerthError } from "../../system/error.ts";
import { byBytes, emptyRecord } from "../model/codec.ts";
import type { Problems, Where } from "../problems.ts";
import { parseDotenv, parseRawEnv } from "./dotenv.ts";

type PlaceOf = (...path: readonly (string | number)[]) => Where;

/**
 * The service with its `env_file`s and `label_file`s read into `environment` and `labels`, which come before them. Inside an env_file, a variable is
 * that of the project first, then of the service's `environment`, then of what was read before.
 */
export function withFilesRead(service: Service, environment: ReadonlyMap<string, string>, problems: Problems, placeOf: PlaceOf): Service {
  const { env_file: envFiles, label_file: labelFiles, ...rest } = service;
  const resolved: Service = rest;
  const own = passedThrough(service.environment, environment);
  if (envFiles) resolved.environment = readEnvironment(envFiles, own, environment, problems, placeOf);
  else if (own) resolved.environment = own;
  if (labelFiles) resolved.labels = readLabels(labelFiles, service.labels, problems, placeOf);
  return resolved;
}

function passedThrough(own: Service["environment"], environment: ReadonlyMap<string, string>): Record<string, string | null> | undefined {
  if (!own) return undefined;
  const found = emptyRecord<string | null>();
  for (const [name, value] of Object.entries(own)) found[name] = value ?? environment.get(name) ?? null;
  return found;
}

function readEnvironment(
  files: NonNullable<Service["env_file"]>,
  own: Record<string, string | null> = emptyRecord(),
  environment: ReadonlyMap<string, string>,
  problems: Problems,
  placeOf: PlaceOf,
): Record<string, string | null> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(own)) if (value !== null) values.set(name, value);
  const lookup = (name: string) => environment.get(name) ?? own[name] ?? undefined;
  for (const [index, file] of files.entries()) {
    const where = placeOf("env_file", index);
    if (!existsSync(file.path)) {
      const hint = "Create it, or set required: false.";
      if (file.required !== false) problems.error("spec/env-file", `there is no file ${file.path}`, where, hint);
      continue;
    }
    if (file.format !== undefined && file.format !== "raw") {
      problems.error("spec/value", `"${file.format}" is no format of an env_file: raw, or none given`, where);
      continue;
    }
    readInto(file.path, problems, where, (content) => {
      if (file.format === "raw") parseRawEnv(content, values, lookup);
      else parseDotenv(file.path, content, values, lookup);
    });
  }
  return sorted({ ...Object.fromEntries(values), ...own });
}

function readLabels(files: readonly string[], own: Service["labels"], problems: Problems, placeOf: PlaceOf): Record<string, string> {
  const values = new Map<string, string>();
  for (const [index, file] of files.entries()) {
    const where = placeOf("label_file", index);
    if (!existsSync(file)) problems.error("spec/env-file", `there is no file ${file}`, where);
    else readInto(file, problems, where, (content) => parseDotenv(file, content, values, (name) => values.get(name)));
  }
  return sorted({ ...Object.fromEntries(values), ...own });
}

function readInto(file: string, problems: Problems, where: Where, parse: (content: string) => void): void {
  try {
    parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof BerthError) problems.add(error);
    else problems.error("spec/env-file", `${file}: ${error instanceof Error ? error.message : String(error)}`, where);
  }
}

function sorted<T>(values: Readonly<Record<string, T>>): Record<string, T> {
  const found = emptyRecord<T>();
  for (const key of Object.keys(values).sort(byBytes)) found[key] = values[key] as T;
  return found;
}
