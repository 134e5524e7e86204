import { expect, it } from "vitest";
import type { ContainerCreateBody } from "../../api/index.ts";
import { checkEndpoints } from "./endpoint-validation.ts";

const on = (name: string, endpoint: object): ContainerCreateBody => ({
  HostConfig: { NetworkMode: name },
  NetworkingConfig: { EndpointsConfig: { [name]: endpoint } },
});

// What a Docker engine (28.5, API 1.51) answered to the same bodies.
it.each<[string, ContainerCreateBody, string]>([
  [
    "an address on the default bridge",
    on("bridge", { IPAMConfig: { IPv4Address: "172.17.0.50" } }),
    "invalid config for network bridge: invalid endpoint settings:\nuser specified IP address is supported on user defined networks only",
  ],
  [
    "an address that is none",
    on("web", { IPAMConfig: { IPv4Address: "10.0.0.999" } }),
    "invalid config for network web: invalid endpoint settings:\ninvalid IPv4 address: 10.0.0.999",
  ],
  [
    "a name on the default bridge",
    on("bridge", { Aliases: ["x"] }),
    "invalid config for network bridge: invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in user defined networks",
  ],
  ["a hardware address that is none", { MacAddress: "zz" }, "invalid config for network bridge: invalid MAC address zz"],
  [
    "two hardware addresses for one network",
    { MacAddress: "02:00:00:00:00:01", ...on("web", { MacAddress: "02:00:00:00:00:02" }) },
    "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
  ],
])("%s is refused in Docker's words", (_, body, message) => {
  expect(() => checkEndpoints(body, 1.51)).toThrowError(expect.objectContaining({ message, code: "container/bad-config" }));
});

it("takes several networks only from clients that know of it", () => {
  const body = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
  expect(() => checkEndpoints(body, 1.43)).toThrow("Container cannot be created with multiple network endpoints: a, b");
  expect(() => checkEndpoints(body, 1.44)).not.toThrow();
});
