import { stringify } from "yaml";
import type { Project } from "../api/project.ts";
import { goJson } from "./go-json.ts";
import { byBytes, emptyRecord, type Style } from "./model/codec.ts";
import { configs, models, networks, secrets, volumes } from "./model/project.ts";
import { service } from "./model/service.ts";

/** The project in the canonical form that `docker compose config --format json` prints, with a line end, unlike Compose's. */
export function toJson(project: Project): string {
  return `${escapeDollars(goJson(sortKeys(canonicalForm(project, "json")), 2))}\n`;
}

/** The project in the form of `docker compose config`: a Compose file that means the same. */
export function toYaml(project: Project): string {
  return escapeDollars(yamlText(canonicalForm(project, "yaml")));
}

/** YAML that a reader of YAML 1.1 understands alike: words that it would take for numbers or booleans are quoted. */
export function yamlText(value: unknown): string {
  return stringify(value, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false, nullStr: "null" });
}

/** A dollar is written twice, so that the printed file can be read again. */
export function escapeDollars(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** What is printed, as plain values: durations and sizes as Compose writes them, what is absent left out. */
export function canonicalForm(project: Project, style: Style): Record<string, unknown> {
  const services = emptyRecord<unknown>();
  for (const name of Object.keys(project.services).sort(byBytes)) {
    const one = project.services[name];
    if (one) services[name] = service.encode(one, style);
  }
  return {
    ...(project.name ? { name: project.name } : {}),
    services,
    ...unlessEmpty("networks", networks.encode(project.networks, style)),
    ...unlessEmpty("volumes", volumes.encode(project.volumes, style)),
    ...unlessEmpty("secrets", secrets.encode(project.secrets, style)),
    ...unlessEmpty("configs", configs.encode(project.configs, style)),
    // Compose leaves models out of its JSON.
    ...(style === "yaml" ? unlessEmpty("models", models.encode(project.models ?? {}, style)) : {}),
    ...project.extensions,
  };
}

function unlessEmpty(key: string, value: unknown): Record<string, unknown> {
  return Object.keys(value as object).length > 0 ? { [key]: value } : {};
}

function sortKeys(value: Record<string, unknown>): Record<string, unknown> {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort(byBytes)) sorted[key] = value[key];
  return sorted;
}
