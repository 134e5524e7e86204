import { expect, test } from "vitest";
import { missingParent, parentOptions } from "./parent-options.ts";

test("modes are the kernel's numbers, and others are refused with the ones that there are", () => {
  expect(parentOptions("macvlan", { parent: "eth0" })).toMatchObject({ parent: "eth0", mode: 4, routes: "gateway" });
  expect(parentOptions("macvlan", { macvlan_mode: "private" }).mode).toBe(1);
  expect(parentOptions("ipvlan", { ipvlan_mode: "l3", ipvlan_flag: "vepa" })).toMatchObject({ mode: 1, flags: 2, routes: "device" });
  expect(() => parentOptions("macvlan", { macvlan_mode: "foo" })).toThrow(
    "requested macvlan mode 'foo' is not valid, 'bridge' mode is the macvlan driver default",
  );
  expect(() => parentOptions("ipvlan", { macvlan_mode: "bridge" })).toThrow("macvlan_mode has no effect here");
});

test("a parent that is not there is a VLAN of one that is, or a mistake", () => {
  const exists = (link: string) => link === "eth0";
  expect(missingParent("eth0.50", exists)).toEqual({ kind: "vlan", name: "eth0.50", of: "eth0", id: 50 });
  for (const name of ["eth1", "eth1.5", "eth0.0", "eth0.4095", "eth0.x"])
    expect(() => missingParent(name, exists)).toThrow(`the parent interface ${name} was not found on the host`);
});
