import { expect, it } from "vitest";
import { networkHash, volumeHash } from "./config-hash.ts";

// What Docker Compose 2.40.3 labelled these with.
it("networks and volumes have Compose's hashes, so that it and Berth take each other's as they are", () => {
  expect(networkHash({ name: "shop_default" })).toBe("cf68f29b281a26ea487d2f198485cc165808337181dfb0f69a28e1186000dcfa");
  const a = { driver: "bridge", internal: true, labels: { x: "1<2" }, driver_opts: { "com.docker.network.driver.mtu": "1400" } };
  expect(networkHash({ name: "shop_a", ...a })).toBe("4e00ac1bd704b3c285d2a2b85633c83c884d12589fd425a5937143b78f266271");
  const ipam = { driver: "default", config: [{ subnet: "10.99.0.0/24", gateway: "10.99.0.1" }] };
  expect(networkHash({ name: "shop_b", enable_ipv6: true, attachable: true, ipam })).toBe(
    "17ebc8ce58460d4815361c599fca26e5eb0aaeb7657c25ce5319ee73e4eb4a10",
  );
  expect(volumeHash({ name: "shop_vol" })).toBe("116105f83ffc84245ec2b5cd36288786e326c4d3c8899036f71abe00737d5fb2");
  expect(volumeHash({ name: "shop_wol", driver: "local", labels: { a: "b" } })).toBe(
    "97c39adb076fd1d843af44f44f194859d8b60166bd68adb02750d0947daef417",
  );
});
