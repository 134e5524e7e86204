import { setTimeout as delay } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { BerthError, storedCredentials } from "../system/index.ts";
import { RegistryConnection } from "./registry-connection.ts";
import { answerError, connectionError, isFinal } from "./registry-errors.ts";
import type { RegistryAuth, RegistrySettings } from "./registry-options.ts";
import { readRegistrySettings } from "./registry-settings.ts";
import { trustDirectory } from "./registry-trust.ts";

export interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH";
  /** Below /v2/, or an absolute URL (an upload location). */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | (() => AsyncIterable<Buffer>);
  /** Statuses that are an answer. Others are errors, with the registry's own words. */
  readonly accept: readonly number[];
  readonly scope: string;
  /** False: the caller tries again by itself, with another path. */
  readonly retry?: boolean;
}
export type RegistryResponse = Dispatcher.ResponseData;

/** No byte for this long is a broken connection. */
const stallMs = 60_000;
const attempts = 5;

/**
 * Speaks to one registry: authentication (none, Basic, Bearer), redirects without leaking credentials, and one retry policy (429 with
 * Retry-After, 5xx, broken connections; only where the body can be sent again). Close it when done.
 */
export class RegistryClient {
  readonly domain: string;
  private readonly settings: RegistrySettings;
  private readonly connection: RegistryConnection;
  private readonly signal: AbortSignal;
  private readonly tokens = new Map<string, string>();
  private auth: RegistryAuth | undefined;
  private authRead = false;
  /** Asks token services for a refresh token too. */
  private offline = false;
  private refreshToken: string | undefined;

  /** `mirror`: the base URL of a mirror that is asked in the registry's place; `auth`: where it is not given, the machine's own; {} for none. */
  constructor(o: { domain: string; mirror?: string; auth?: RegistryAuth; settings?: RegistrySettings; signal: AbortSignal }) {
    this.domain = o.domain;
    // The registry's own credentials are none of a mirror's business.
    if (o.mirror) this.authRead = true;
    this.settings = o.settings ?? readRegistrySettings(process.env);
    this.signal = o.signal;
    this.connection = new RegistryConnection(o.domain, { mirror: o.mirror, settings: this.settings, signal: o.signal });
    if (o.auth) {
      this.authRead = true;
      if (o.auth.username || o.auth.identityToken || o.auth.registryToken) this.auth = o.auth;
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /**
   * Whether the registry takes these credentials: asks its front door. Answers the identity token that the registry gave in exchange, if any.
   * @throws BerthError `image/registry`
   */
  async login(): Promise<{ identityToken?: string }> {
    this.offline = true;
    const response = await this.request({ method: "GET", path: "", accept: [200, 401], scope: "" });
    await response.body.dump();
    // In the words that Docker's clients show.
    if (response.statusCode === 401)
      throw new BerthError(
        "image/registry",
        `login attempt to ${await this.connection.baseUrl()}/v2/ failed with status: 401 Unauthorized`,
      );
    return this.refreshToken === undefined ? {} : { identityToken: this.refreshToken };
  }

  async request(r: RegistryRequest): Promise<RegistryResponse> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await this.once(r);
        if (r.accept.includes(response.statusCode)) return response;
        const retry = response.statusCode === 429 || response.statusCode >= 500;
        const after = retryAfterMs(response.headers["retry-after"]);
        const error = await this.errorOf(response, r);
        if (!retry || r.retry === false || attempt >= attempts || (after ?? 0) > 60_000) throw error;
        await delay(after ?? backoffMs(attempt), undefined, { signal: this.signal });
      } catch (error) {
        this.signal.throwIfAborted();
        if (error instanceof BerthError) throw error;
        if (r.retry === false || attempt >= attempts || isFinal(error))
          throw connectionError(error, {
            host: this.connection.host,
            domain: this.domain,
            showsNoCertificate: this.connection.showsNoCertificate,
            directory: trustDirectory(this.connection.host, this.settings),
          });
        await delay(backoffMs(attempt), undefined, { signal: this.signal });
      }
    }
  }

  /** An upload location, which may be relative. */
  async url(location: string): Promise<URL> {
    return new URL(location, await this.connection.baseUrl());
  }

  private async once(r: RegistryRequest): Promise<RegistryResponse> {
    const { request } = await import("../system/http-client.ts");
    const base = await this.connection.baseUrl();
    const url = r.path.startsWith("http") ? new URL(r.path) : new URL(`/v2/${r.path}`, base);
    const send = async (target: URL, authorization: string | undefined) =>
      request(target, {
        method: r.method,
        headers: { ...r.headers, "user-agent": "berth", ...(authorization ? { authorization } : {}) },
        body: typeof r.body === "function" ? (r.body() as unknown as import("node:stream").Readable) : (r.body ?? null), // undici takes async iterables
        signal: this.signal,
        dispatcher: await this.connection.dispatcher(target),
        headersTimeout: stallMs,
        bodyTimeout: stallMs,
      });
    let response = await send(url, this.tokens.get(r.scope));
    if (response.statusCode === 401) {
      const challenge = response.headers["www-authenticate"];
      await response.body.dump();
      const authorization = await this.authorize([challenge ?? []].flat(), r.scope);
      response = await send(url, authorization);
    }
    let from = url;
    for (let hops = 0; [301, 302, 303, 307, 308].includes(response.statusCode) && (r.method === "GET" || r.method === "HEAD"); hops += 1) {
      const location = [response.headers["location"] ?? []].flat()[0];
      if (location === undefined || hops >= 10) break;
      await response.body.dump();
      const next = new URL(location, from);
      // Another host never sees the credentials of this one.
      response = await send(next, next.origin === new URL(base).origin ? this.tokens.get(r.scope) : undefined);
      from = next;
    }
    return response;
  }

  private async authorize(challenges: readonly string[], scope: string): Promise<string> {
    if (!this.authRead) {
      this.auth = await storedCredentials(this.domain, { env: process.env, signal: this.signal });
      this.authRead = true;
    }
    const basic = this.auth?.username
      ? `Basic ${Buffer.from(`${this.auth.username}:${this.auth.password ?? ""}`).toString("base64")}`
      : undefined;
    const bearer = challenges.map((text) => /^\s*Bearer\s+(.*)$/i.exec(text)?.[1]).find((text) => text !== undefined);
    let authorization: string | undefined;
    if (this.auth?.registryToken) authorization = `Bearer ${this.auth.registryToken}`;
    else if (bearer !== undefined) authorization = await this.bearerToken(parameters(bearer), scope, basic);
    else authorization = basic;
    if (authorization === undefined) {
      throw new BerthError("image/registry", `${this.domain}: no basic auth credentials`, {
        hint: `Log in with \`docker login ${this.domain}\`.`,
      });
    }
    this.tokens.set(scope, authorization);
    return authorization;
  }

  private async bearerToken(p: ReadonlyMap<string, string>, scope: string, basic: string | undefined): Promise<string> {
    const { request } = await import("../system/http-client.ts");
    const url = new URL(p.get("realm") ?? "");
    const service = p.get("service");
    const common = {
      dispatcher: await this.connection.dispatcher(url),
      signal: this.signal,
      headersTimeout: stallMs,
      bodyTimeout: stallMs,
    };
    const refresh = this.auth?.identityToken;
    if (refresh === undefined) {
      if (service) url.searchParams.set("service", service);
      for (const one of scope.split(" ")) if (one) url.searchParams.append("scope", one);
      if (this.auth?.username) url.searchParams.set("account", this.auth.username);
      if (this.offline) {
        url.searchParams.set("offline_token", "true");
        url.searchParams.set("client_id", "berth");
      }
    }
    const response = await request(url, {
      ...common,
      method: refresh === undefined ? "GET" : "POST",
      headers: refresh === undefined ? (basic ? { authorization: basic } : {}) : { "content-type": "application/x-www-form-urlencoded" },
      body:
        refresh === undefined
          ? null
          : new URLSearchParams({
              grant_type: "refresh_token",
              refresh_token: refresh,
              service: service ?? "",
              scope,
              client_id: "berth",
            }).toString(),
    });
    if (response.statusCode !== 200) {
      await response.body.dump();
      const why =
        response.statusCode === 401 || response.statusCode === 403 ? "incorrect username or password" : `status ${response.statusCode}`;
      throw new BerthError("image/registry", `${this.domain}: the token service ${url.host} refused: ${why}`, {
        hint: `Log in with \`docker login ${this.domain}\`.`,
      });
    }
    const body = (await response.body.json()) as { token?: string; access_token?: string; refresh_token?: string }; // distribution-spec token answer
    if (this.offline && body.refresh_token) this.refreshToken = body.refresh_token;
    const token = body.token ?? body.access_token;
    if (!token) throw new BerthError("image/registry", `${this.domain}: the token service ${url.host} sent no token`);
    return `Bearer ${token}`;
  }

  private async errorOf(response: RegistryResponse, r: RegistryRequest): Promise<BerthError> {
    const body = await response.body.text().catch(() => "");
    const what = `${this.domain}/${r.path.replace(/^https?:\/\/[^/]+\/v2\//, "").replace(/\?.*/, "")}`;
    return answerError(this.domain, {
      status: response.statusCode,
      method: r.method,
      what,
      body,
      challenge: [response.headers["www-authenticate"] ?? []].flat().join(", "),
    });
  }
}

/** `key="value, with commas",key2=value`. */
export function parameters(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, key = "", quoted, plain] of text.matchAll(/([\w-]+)\s*=\s*(?:"((?:\\.|[^"])*)"|([^\s,]+))/g))
    found.set(key.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "");
  return found;
}

function backoffMs(attempt: number): number {
  return 250 * 2 ** attempt * (0.75 + Math.random() / 2);
}

function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const text = [header ?? []].flat()[0];
  if (text === undefined) return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
