import { describe, expect, it } from "vitest";
import { hostsFile } from "./hosts-file.ts";

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
