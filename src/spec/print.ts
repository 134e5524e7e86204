import { Document, Scalar, visit } from "yaml";
import type { Project } from "../api/project.ts";
import { goJson } from "./go-json.ts";
import { byBytes, emptyRecord, type Style } from "./model/codec.ts";
import { configs, models, networks, secrets, volumes } from "./model/project.ts";
import { service } from "./model/service.ts";
import { plainScalar } from "./yaml/plain-scalar.ts";

/** The project in the canonical form that `docker compose config --format json` prints, with a line end, unlike Compose's. */
export function toJson(project: Project): string {
  return `${escapeDollars(goJson(sortKeys(canonicalForm(project, "json")), 2))}\n`;
}

/** The project in the form of `docker compose config`: a Compose file that means the same. Keys are not interpolated, so their dollars stay single. */
export function toYaml(project: Project): string {
  return yamlText(escaped(canonicalForm(project, "yaml")));
}

/** YAML that every reader understands alike: words that YAML 1.1, or Go's reader, would take for numbers, dates or booleans are quoted. */
export function yamlText(value: unknown): string {
  const document = new Document(value, {
    version: "1.1",
    aliasDuplicateObjects: false,
    // The text `<<` is no merge key here, and must not be printed as one.
    customTags: (tags) => tags.filter((tag) => typeof tag !== "object" || tag.tag !== "tag:yaml.org,2002:merge"),
  });
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value !== "string") return;
      const style = styleOf(node.value);
      if (style) node.type = style;
    },
  });
  return document.toString({ lineWidth: 0, nullStr: "null", singleQuote: true });
}

const oldBoolean = /^(y|n|yes|no|on|off)$/i;
const base60 = /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/;

/**
 * Words that could mean something else stand in double quotes, and so does what has to be escaped; what only the grammar cannot take bare stands in single ones
 * (go-yaml v3, encode.go stringv).
 */
function styleOf(text: string): Scalar.Type | undefined {
  const plain = plainScalar(text);
  if (plain.value !== text || plain.kind || text === "<<" || oldBoolean.test(text) || base60.test(text) || text.includes("\t"))
    return text.includes("\n") ? undefined : Scalar.QUOTE_DOUBLE;
  return text.startsWith("'") ? Scalar.QUOTE_SINGLE : undefined;
}

/** A dollar is written twice, so that the printed file can be read again. */
function escapeDollars(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** What is printed, as plain values: durations and sizes as Compose writes them, what is absent left out. */
function canonicalForm(project: Project, style: Style): Record<string, unknown> {
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

function escaped(value: unknown): unknown {
  if (typeof value === "string") return escapeDollars(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (value === null || typeof value !== "object") return value;
  const found = emptyRecord<unknown>();
  for (const [key, one] of Object.entries(value)) found[key] = escaped(one);
  return found;
}

function unlessEmpty(key: string, value: unknown): Record<string, unknown> {
  return Object.keys(value as object).length > 0 ? { [key]: value } : {};
}

function sortKeys(value: Record<string, unknown>): Record<string, unknown> {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort(byBytes)) sorted[key] = value[key];
  return sorted;
}
