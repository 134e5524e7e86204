import type { Dispatcher } from "undici";
import { BerthError } from "../system/index.ts";
import { isCertificateError, isClosed } from "./registry-errors.ts";
import type { RegistrySettings } from "./registry-options.ts";
import { isLoopback, proxyFor } from "./registry-proxy.ts";
import { isInsecure } from "./registry-settings.ts";
import { registryTrust } from "./registry-trust.ts";

/** How one registry is reached: its base URL, what its connections trust, and the proxies on the way. Close it when done. */
export class RegistryConnection {
  readonly host: string;
  private readonly o: { mirror: string | undefined; settings: RegistrySettings; signal: AbortSignal };
  private readonly dispatchers = new Map<string, Dispatcher>();
  private connect: object | undefined;
  private base: string | undefined;

  constructor(domain: string, o: RegistryConnection["o"]) {
    this.o = o;
    this.host = o.mirror ? new URL(o.mirror).host : domain === "docker.io" ? "registry-1.docker.io" : domain;
  }

  async close(): Promise<void> {
    await Promise.all([...this.dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }

  /** What sends a request to `url`: straight, or by the proxy that the environment names for it. */
  async dispatcher(url: URL): Promise<Dispatcher> {
    const proxy = proxyFor(url, process.env);
    const known = this.dispatchers.get(proxy?.href ?? "");
    if (known) return known;
    const { Agent, ProxyAgent } = await import("../system/http-client.ts");
    this.connect ??= this.connectOptions();
    const { connect } = this;
    const basic = proxy?.username ? Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`) : undefined;
    const made = proxy
      ? new ProxyAgent({
          uri: proxy.href,
          requestTls: connect,
          // Plain http is asked of the proxy itself: many allow no tunnel to any port but 443.
          proxyTunnel: false,
          ...(basic ? { token: `Basic ${basic.toString("base64")}` } : {}),
        })
      : new Agent({ connect });
    this.dispatchers.set(proxy?.href ?? "", made);
    return made;
  }

  /** https, or http where that is all that answers and the registry is on loopback or listed as insecure. */
  async baseUrl(): Promise<string> {
    this.base ??= this.o.mirror?.replace(/\/+$/, "") ?? (await this.findBase());
    return this.base;
  }

  private async findBase(): Promise<string> {
    const { settings, signal } = this.o;
    if (!isLoopback(this.host) && !isInsecure(this.host, settings.insecureRegistries ?? [])) return `https://${this.host}`;
    const { request } = await import("../system/http-client.ts");
    for (const scheme of ["https", "http"]) {
      const url = new URL(`${scheme}://${this.host}/v2/`);
      try {
        const answer = await request(url, { dispatcher: await this.dispatcher(url), signal, headersTimeout: 10_000 });
        await answer.body.dump();
        return `${scheme}://${this.host}`;
      } catch (error) {
        signal.throwIfAborted();
        // A certificate that is wrong or missing is said, not worked around by plain http.
        if (scheme === "http" || isCertificateError(error) || isClosed(error) || error instanceof BerthError) throw error;
      }
    }
    throw new Error("one of the two was answered or thrown");
  }

  /** Whether the registry may want a client's certificate and was shown none. */
  get showsNoCertificate(): boolean {
    return this.base?.startsWith("http:") !== true && !(this.connect !== undefined && "cert" in this.connect);
  }

  private connectOptions(): object {
    const { settings } = this.o;
    const listed = isInsecure(this.host, settings.insecureRegistries ?? []);
    return { timeout: 30_000, ...registryTrust(this.host, settings, process.env), ...(listed ? { rejectUnauthorized: false } : {}) };
  }
}
