import { BerthError } from "../system/index.ts";

/** An image name in Docker's normalised form. `repository` is without domain ("library/debian"). */
export interface Reference {
  readonly domain: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

const pathComponent = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const domainPattern =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;

/**
 * Parses `[domain/]path[:tag][@digest]` by Docker's rules: no domain means docker.io, one path component there means library/.
 * A tag is added ("latest") only where neither tag nor digest is given and `defaultTag` is not false.
 * @throws BerthError `image/bad-reference`
 */
export function parseReference(text: string, o: { defaultTag?: boolean } = {}): Reference {
  const bad = (why: string): never => {
    throw new BerthError("image/bad-reference", `invalid reference format: ${JSON.stringify(text)}: ${why}`);
  };
  let rest = text;
  let digest: string | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = rest.slice(at + 1);
    rest = rest.slice(0, at);
    if (!digestPattern.test(digest)) bad(`"${digest}" is not a sha256 digest`);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!tagPattern.test(tag)) bad(`"${tag}" is not a tag`);
  }
  if (rest === "") bad("the name is empty");
  if (/^[0-9a-f]{64}$/.test(rest)) bad("a name cannot be 64 hex digits, which is an id");
  let domain = "docker.io";
  let repository = rest;
  const slash = rest.indexOf("/");
  const first = slash < 0 ? "" : rest.slice(0, slash);
  if (slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase())) {
    domain = first === "index.docker.io" ? "docker.io" : first;
    repository = rest.slice(slash + 1);
    if (!domainPattern.test(domain)) bad(`"${domain}" is not a registry host`);
  }
  if (domain === "docker.io" && !repository.includes("/")) repository = `library/${repository}`;
  if (repository !== repository.toLowerCase())
    throw new BerthError("image/bad-reference", `invalid reference format: repository name (${repository}) must be lowercase`);
  if (repository.length > 255) bad("the repository name is longer than 255 characters");
  if (!repository.split("/").every((part) => pathComponent.test(part))) bad("letters, digits and single . _ - between them are allowed");
  if (!tag && !digest && o.defaultTag !== false) tag = "latest";
  return { domain, repository, ...(tag ? { tag } : {}), ...(digest ? { digest } : {}) };
}

/** The full text: `docker.io/library/debian:bookworm`. */
export function canonicalName(r: Reference): string {
  return `${r.domain}/${r.repository}${r.tag ? `:${r.tag}` : ""}${r.digest ? `@${r.digest}` : ""}`;
}

/** The name without tag and digest, as people write it: `debian`, `ghcr.io/a/b`. */
export function familiarRepository(r: Reference): string {
  if (r.domain !== "docker.io") return `${r.domain}/${r.repository}`;
  return /^library\/[^/]+$/.test(r.repository) ? r.repository.slice("library/".length) : r.repository;
}

/** The short text that Docker shows: `debian:bookworm`. Takes any valid reference. */
export function familiarName(text: string): string {
  const r = parseReference(text);
  return `${familiarRepository(r)}${r.tag ? `:${r.tag}` : ""}${r.digest ? `@${r.digest}` : ""}`;
}
