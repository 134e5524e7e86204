import { BlockList, isIP } from "node:net";
import { BerthError } from "../system/index.ts";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that a request goes through, as Go's programs read the environment (golang.org/x/net/http/httpproxy): HTTPS_PROXY for https, HTTP_PROXY for
 * http, either in lower case; never for this machine itself, nor for what NO_PROXY lists.
 * @throws BerthError `image/registry` for a value that is no proxy
 */
export function proxyFor(url: URL, env: Env): URL | undefined {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = env[name] || env[name.toLowerCase()];
  if (!value || isLoopback(url.host) || isListed(url, env["NO_PROXY"] || env["no_proxy"] || "")) return undefined;
  try {
    const proxy = new URL(/^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`);
    if (["http:", "https:", "socks5:"].includes(proxy.protocol)) return proxy;
  } catch {
    // said below
  }
  throw new BerthError("image/registry", `${name} is not a proxy: ${value.replace(/\/\/.*@/, "//")}`, {
    hint: "It is written as http://[user:password@]host:port.",
  });
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}

/**
 * NO_PROXY: "*", addresses, ranges, "example.com" with what is below it, ".example.com" and "*.example.com" for what is below it alone; any of them but
 * ranges with a port.
 */
function isListed(url: URL, noProxy: string): boolean {
  const host = url.hostname
    .replace(/^\[|\]$/g, "")
    .toLowerCase()
    .replace(/\.$/, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter(Boolean)
    .some((entry) => {
      if (entry === "*") return true;
      if (entry.includes("/")) return inRange(host, entry);
      const [, name = entry, wanted] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
      if (wanted !== undefined && wanted !== port) return false;
      const plain = name.replace(/^\[|\]$/g, "");
      if (isIP(plain) > 0) return plain === host;
      const below = plain.replace(/^\*(?=\.)/, "");
      return below.startsWith(".") ? host.endsWith(below) : host === below || host.endsWith(`.${below}`);
    });
}

function inRange(address: string, range: string): boolean {
  const family = isIP(address);
  const [network = "", bits = ""] = range.split("/");
  if (family === 0 || isIP(network) !== family || !/^\d+$/.test(bits) || Number(bits) > (family === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family === 6 ? "ipv6" : "ipv4");
  return list.check(address, family === 6 ? "ipv6" : "ipv4");
}
