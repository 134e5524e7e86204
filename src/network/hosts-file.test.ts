import { describe, expect, it } from "vitest";
import { hostsFile, resolvConf } from "./hosts-file.ts";

const lines = (text: string) => text.split("\n");

describe("/etc/hosts", () => {
  const base = { hostname: "web", domainname: "", own: ["10.0.0.2"], extra: [], neighbours: [] };

  it("names the container itself, with its domain first", () => {
    expect(lines(hostsFile({ ...base, domainname: "example.org" }))).toContain("10.0.0.2\tweb.example.org web");
  });

  it("has a line for each replica of a name", () => {
    const text = hostsFile({ ...base, neighbours: [1, 2].map((n) => ({ address: `10.0.0.${n + 2}`, names: [`p-db-${n}`, "db"] })) });
    expect(lines(text).filter((line) => / db$/.test(line))).toEqual(["10.0.0.3\tp-db-1 db", "10.0.0.4\tp-db-2 db"]);
  });

  it("puts what was asked for before what the networks say", () => {
    const text = hostsFile({
      ...base,
      extra: [{ name: "db", address: "192.0.2.1" }],
      neighbours: [{ address: "10.0.0.3", names: ["db"] }],
    });
    expect(text.indexOf("192.0.2.1")).toBeLessThan(text.indexOf("10.0.0.3"));
  });
});

describe("/etc/resolv.conf", () => {
  const base = {
    gateways: ["172.18.0.1"],
    host: "nameserver 192.0.2.53\nsearch corp.example\noptions ndots:2\n",
    dns: [],
    search: [],
    options: [],
  };

  it("asks the engine first, then the host's servers", () => {
    expect(resolvConf(base)).toBe("nameserver 172.18.0.1\nnameserver 192.0.2.53\nsearch corp.example\noptions ndots:2\n");
  });

  it("leaves out the host's loopback resolver, which is another one inside", () => {
    expect(resolvConf({ ...base, host: "nameserver 127.0.0.53\nnameserver ::1\n" })).toBe("nameserver 172.18.0.1\n");
  });

  it("takes what the container asked for instead of the host's", () => {
    expect(resolvConf({ ...base, dns: ["198.51.100.1"], search: ["."], options: ["timeout:1"] })).toBe(
      "nameserver 172.18.0.1\nnameserver 198.51.100.1\noptions timeout:1\n",
    );
  });

  it("names three servers at most, as the C library reads", () => {
    expect(resolvConf({ ...base, dns: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] }).match(/nameserver/g)).toHaveLength(3);
  });
});
