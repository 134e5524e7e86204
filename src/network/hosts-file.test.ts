import { describe, expect, it } from "vitest";
import { hostsFile, withNamesOf } from "./hosts-file.ts";

const lines = (text: string) => text.split("\n");

describe("/etc/hosts", () => {
  const base = { hostname: "web", domainname: "", own: ["10.0.0.2"], extra: [], neighbours: [] };

  it("names the container itself, with its domain first", () => {
    const file = (address: string) =>
      hostsFile({ ...base, own: [address], domainname: "example.org", neighbours: [{ address, names: ["p-web-1", "web"] }] });
    // Also where the networks know the address by other names: the first line says what it is called.
    expect(lines(file("10.0.0.2")).find((line) => line.startsWith("10.0.0.2"))).toBe("10.0.0.2\tweb.example.org web");
    expect(withNamesOf(file("10.0.0.2"), file("10.0.0.9"))).toBe(file("10.0.0.9"));
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

  it("ends with its own address", () => {
    expect(hostsFile({ ...base, neighbours: [{ address: "10.0.0.3", names: ["db"] }] })).toMatch(/\n10\.0\.0\.2\tweb\n$/);
  });

  it("keeps the lines of others when names change, and stays as it is when somebody wrote it anew", () => {
    const before = hostsFile({ ...base, neighbours: [{ address: "10.0.0.3", names: ["db"] }] });
    const after = hostsFile({ ...base, own: ["10.0.0.2", "10.1.0.2"], neighbours: [{ address: "10.0.0.4", names: ["cache"] }] });
    expect(withNamesOf(before, after)).toBe(after);
    const edited = lines(withNamesOf(`192.0.2.1 first\n${before}192.0.2.2 last\n`, after));
    expect(edited[0]).toBe("192.0.2.1 first");
    expect(edited.slice(-5)).toEqual(["# (end of these names)", "192.0.2.2 last", "10.0.0.2\tweb", "10.1.0.2\tweb", ""]);
    expect(withNamesOf("192.0.2.1 all\n", after)).toBe("192.0.2.1 all\n");
  });
});
