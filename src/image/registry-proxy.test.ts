import { describe, expect, it } from "vitest";
import { proxyFor } from "./registry-proxy.ts";

const through = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.href;

describe("a proxy of the environment", () => {
  it("is the one of the protocol, in either case, with or without its scheme", () => {
    expect(through("https://a.example/", { HTTPS_PROXY: "http://p:1", HTTP_PROXY: "http://q:2" })).toBe("http://p:1/");
    expect(through("http://a.example/", { https_proxy: "http://p:1", http_proxy: "q:2" })).toBe("http://q:2/");
    expect(through("https://a.example/", { http_proxy: "q:2" })).toBeUndefined();
    expect(through("https://a.example/", { https_proxy: "http://u:p%40@p:1" })).toBe("http://u:p%40@p:1/");
  });

  it("that is none is said, without its password", () => {
    expect(() => through("https://a.example/", { HTTPS_PROXY: "ftp://u:secret@p" })).toThrow("HTTPS_PROXY is not a proxy: ftp://p");
  });

  it.each([
    ["a.example", "https://a.example", false],
    ["a.example", "https://b.a.example", false],
    ["a.example", "https://ba.example", true],
    [".a.example", "https://a.example", true],
    [".a.example", "https://b.a.example", false],
    ["*.a.example", "https://b.a.example", false],
    ["A.Example:5000", "https://a.example:5000", false],
    ["a.example:5000", "https://a.example", true],
    ["a.example:443", "https://a.example", false],
    ["10.0.0.0/8", "https://10.1.2.3:5000", false],
    ["10.0.0.0/8", "https://11.1.2.3:5000", true],
    ["fd00::/8", "https://[fd00::1]", false],
    ["10.1.2.3", "https://10.1.2.3:5000", false],
    ["10.1.2.3:1", "https://10.1.2.3:5000", true],
    ["x, *", "https://a.example", false],
    ["", "https://localhost:5000", false],
    ["", "http://127.0.0.1:5000", false],
    ["10.0.0.0/99,other", "https://10.0.0.1", true],
  ])("with NO_PROXY=%s and %s: %s", (NO_PROXY, url, proxied) => {
    expect(through(url, { NO_PROXY, HTTPS_PROXY: "p:1", HTTP_PROXY: "p:1" })).toBe(proxied ? "http://p:1/" : undefined);
  });
});
