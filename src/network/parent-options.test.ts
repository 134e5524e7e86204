import { expect, test } from "vitest";
import { missingParent, parentOptions, parentOptionsWithoutEffect } from "./parent-options.ts";

test("modes are the kernel's numbers, and others are refused with the ones that there are", () => {
  expect(parentOptions("macvlan", { parent: "eth0" })).toMatchObject({ parent: "eth0", mode: 4, routes: "gateway" });
  expect(parentOptions("macvlan", { macvlan_mode: "private" }).mode).toBe(1);
  expect(parentOptions("ipvlan", { ipvlan_mode: "l3", ipvlan_flag: "vepa" })).toMatchObject({ mode: 1, flags: 2, routes: "device" });
  expect(() => parentOptions("macvlan", { macvlan_mode: "foo" })).toThrow(
    "requested macvlan mode 'foo' is not valid, 'bridge' mode is the macvlan driver default",
  );
  expect(parentOptionsWithoutEffect("ipvlan", { parent: "eth0", macvlan_mode: "bridge", ipvlan_mode: "l2" })).toEqual(["macvlan_mode"]);
  expect(() => parentOptions("macvlan", { parent: "lo" })).toThrow("loopback interface is not a valid macvlan parent link");
});

test("a parent that is not there is a VLAN of one that is, or a mistake", () => {
  const exists = (link: string) => link === "eth0";
  expect(missingParent("eth0.50", exists)).toEqual({ kind: "vlan", name: "eth0.50", of: "eth0", id: 50 });
  for (const name of ["eth1", "eth1.5", "eth0.0", "eth0.4095", "eth0.x"])
    expect(() => missingParent(name, exists)).toThrow(`the parent interface ${name} was not found on the host`);
});
