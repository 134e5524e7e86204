import packet from "dns-packet";
import { expect, test } from "vitest";
import { forward } from "./dns-forward.ts";

const question = packet.encode({ type: "query", id: 7, questions: [{ type: "A", name: "example.test" }] });

// The kernel refuses to connect to the broadcast address at once, as it does where there is no route.
test.each(["udp", "tcp"] as const)("a server that cannot be connected to over %s gives no answer, and ends nothing", async (protocol) => {
  expect(await forward(question, [{ address: "255.255.255.255" }, { address: "255.255.255.255" }], protocol)).toBeUndefined();
});
