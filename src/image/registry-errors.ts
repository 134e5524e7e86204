import { BerthError, errnoOf, messageOf } from "../system/index.ts";

/** The registry's own message (distribution-spec error body) as Docker writes it: "name unknown: ...", without control characters. */
function registryWords(text: string): string {
  try {
    const body = JSON.parse(text) as { errors?: { code?: string; message?: string }[] }; // distribution-spec error body
    return (body.errors ?? [])
      .map((e) => [e.code?.toLowerCase().replaceAll("_", " "), e.message].filter(Boolean).join(": "))
      .join("; ")
      .replace(/[\x00-\x1f\x7f]/g, " ");
  } catch {
    return "";
  }
}

/** An answer that is no success, in words. `what` is the path that was asked for. */
export function answerError(
  domain: string,
  o: { status: number; method: string; what: string; body: string; challenge?: string },
): BerthError {
  const { status, what } = o;
  const said = registryWords(o.body);
  const login = `Log in with \`docker login ${domain}\`.`;
  // Who is known and may not is told so by 403, or by 401 and what the token lacks.
  const isDenied = status === 403 || (status === 401 && /error="?insufficient_scope/i.test(o.challenge ?? ""));
  if (isDenied) {
    const why = status === 403 && said ? said : "denied: requested access to the resource is denied";
    if (o.method !== "GET" && o.method !== "HEAD") return new BerthError("image/registry", why, { hint: login });
    // "Not found", as Docker has it: clients tell by it that there is no such image for them.
    const repository = what
      .replace(/^docker\.io\/(library\/(?=[^/]+\/(manifests|blobs|tags)\/))?/, "")
      .replace(/\/(manifests|blobs|tags)\/.*$/, "");
    return new BerthError(
      "image/not-found",
      `pull access denied for ${repository}, repository does not exist or may require 'docker login': ${why}`,
      { hint: login },
    );
  }
  if (status === 401) return new BerthError("image/unauthorized", said || "unauthorized: incorrect username or password", { hint: login });
  if (status === 404) return new BerthError("image/not-found", `${what} not found: ${said || "manifest unknown"}`);
  if (status === 407) return proxyRefusal(domain);
  if (status === 429)
    return new BerthError("image/registry", `${domain}: ${said || "toomanyrequests: rate limit exceeded"}`, {
      hint: "Log in for a higher limit, use a mirror, or wait.",
    });
  return new BerthError("image/registry", `${o.method} ${what}: the registry answered ${status}${said ? `: ${said}` : ""}`);
}

/** A connection that did not come about or broke, in words. `directory` is where the registry's certificates are looked for. */
export function connectionError(
  error: unknown,
  o: { host: string; domain: string; directory: string; showsNoCertificate: boolean },
): BerthError {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  const code = errnoOf(cause) ?? errnoOf(error) ?? "";
  const host = o.host;
  if (/Proxy response \(407\)/.test(messageOf(error))) return proxyRefusal(o.domain);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new BerthError("image/registry", `the registry ${host} cannot be reached: no such host (${code})`, {
      hint: "Check the name, DNS and proxy settings.",
      cause: error,
    });
  // With TLS 1.3 the refusal comes after the handshake, and often only as the end of the connection.
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ALERT_BAD_CERTIFICATE/.test(code) || (isClosed(error) && o.showsNoCertificate))
    return new BerthError(
      "image/registry",
      `the registry ${host} closed the connection: it may want a client's certificate: ${messageOf(cause)}`,
      {
        hint: `Put it into ${o.directory}: client.cert and client.key.`,
        cause: error,
      },
    );
  if (isCertificateError(error))
    return new BerthError("image/registry", `the certificate of ${host} is not trusted: ${messageOf(cause)}`, {
      hint: `Put its CA into ${o.directory}/ca.crt.`,
      cause: error,
    });
  return new BerthError("image/registry", `the registry ${host} cannot be reached: ${reasonOf(cause)}`, { cause: error });
}

/** Why no connection came about: scripts and people know it in Go's words, which every Docker client shows. */
function reasonOf(cause: unknown): string {
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const words = { ECONNREFUSED: "connection refused", EHOSTUNREACH: "no route to host", ENETUNREACH: "network is unreachable" };
  const why = words[(errnoOf(first) ?? "") as keyof typeof words];
  if (!why || !(first instanceof Error) || !("address" in first) || !("port" in first)) return messageOf(cause);
  const address = String(first.address);
  return `dial tcp ${address.includes(":") ? `[${address}]` : address}:${first.port}: connect: ${why}`;
}

function proxyRefusal(domain: string): BerthError {
  return new BerthError("image/registry", `the proxy on the way to ${domain} wants a user and a password`, {
    hint: "They are written into the address: HTTPS_PROXY=http://user:password@host:port, for the engine's environment.",
  });
}

export function isCertificateError(error: unknown): boolean {
  const code = errnoOf(error instanceof Error && error.cause ? error.cause : error) ?? "";
  return /CERT|SIGNATURE|ERR_TLS|ERR_SSL_TLSV1|HANDSHAKE_FAILURE/.test(code);
}

/** The other side ended a connection that was established, without an answer. */
export function isClosed(error: unknown): boolean {
  return errnoOf(error) === "UND_ERR_SOCKET" && /other side closed/.test(messageOf(error));
}

/** Errors that another attempt does not change. */
export function isFinal(error: unknown): boolean {
  const code = errnoOf(error) ?? "";
  return code === "ENOTFOUND" || code === "ECONNREFUSED" || isCertificateError(error) || /Proxy response \(4\d\d\)/.test(messageOf(error));
}
