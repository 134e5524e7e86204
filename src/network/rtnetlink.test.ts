import { expect, test } from "vitest";
import { addAddress, addressBytes, addVeth, defaultRoute, deleteLinks } from "./rtnetlink.ts";

test("addresses are in network byte order, short forms filled in", () => {
  expect(addressBytes("10.1.2.3").toString("hex")).toBe("0a010203");
  expect(addressBytes("fd00:b:1::2").toString("hex")).toBe("fd00000b000100000000000000000002");
  expect(addressBytes("::1").toString("hex")).toBe("00000000000000000000000000000001");
  expect(addressBytes("::ffff:10.0.0.1").toString("hex")).toBe("00000000000000000000ffff0a000001");
});

test("an address goes out with its prefix and interface; an IPv6 one without duplicate detection", () => {
  const { payload, type } = addAddress(7, "10.1.2.3/16");
  expect([type, payload.readUInt8(0), payload.readUInt8(1), payload.readUInt8(2), payload.readUInt32LE(4)]).toEqual([20, 2, 16, 0, 7]);
  const six = addAddress(7, "fd00::2/64").payload;
  expect([six.readUInt8(0), six.readUInt8(1), six.readUInt8(2)]).toEqual([10, 64, 2]);
});

test("a default route has no destination, a gateway and an interface", () => {
  expect(defaultRoute(3, "10.1.0.1").payload.toString("hex")).toBe(
    `0200000${"0"}fe03${"00"}01${"00000000"}${"08000500"}0a010001${"08000400"}03000000`,
  );
});

test("a pair names its bridge, and its peer's namespace, address and name", () => {
  const { payload } = addVeth({ outer: "ve1", bridgeIndex: 9, inner: "eth0", mac: "02:42:00:00:00:01", mtu: 1400, namespaceFd: 21 });
  const text = payload.toString("latin1");
  expect(text).toContain("ve1\0");
  expect(text).toContain("veth\0");
  expect(text).toContain("eth0\0");
  expect(payload.toString("hex")).toContain("0a000100024200000001"); // IFLA_ADDRESS of six bytes
  expect(payload.length % 4).toBe(0);
});

test("many interfaces are deleted by one request for their group", () => {
  expect(deleteLinks(["ve1", "ve2"], 5).map((message) => message.type)).toEqual([16, 16, 17]);
});
