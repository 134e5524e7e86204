import { expect, test } from "vitest";
import { redirectMessages } from "./nft-messages.ts";

const messages = redirectMessages("t", "127.0.0.11", [
  { protocol: "udp", port: 53 },
  { protocol: "tcp", port: 53 },
]);

test("a transaction has a begin and an end, and removes an older table only where there is one", () => {
  const kinds = (replacing: boolean) => messages([1, 2], { replacing }).map(({ type }) => type & 0xff);
  expect(kinds(false)).toEqual([0x10, 0, 3, 6, 6, 0x11]);
  expect(kinds(true)).toEqual([0x10, 2, 0, 3, 6, 6, 0x11]);
});

test("each rule leads to the port of its place, and to another one the next time", () => {
  const rules = (...ports: number[]) => messages(ports, { replacing: false }).filter(({ type }) => (type & 0xff) === 6);
  const [udp, tcp] = rules(0x1234, 0x5678);
  expect(udp?.payload.includes(Buffer.from([0x12, 0x34]))).toBe(true);
  expect(tcp?.payload.includes(Buffer.from([0x56, 0x78]))).toBe(true);
  expect(rules(0x4321, 0x8765)[0]?.payload.includes(Buffer.from([0x12, 0x34]))).toBe(false);
});
