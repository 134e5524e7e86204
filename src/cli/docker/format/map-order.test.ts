import { expect, it } from "vitest";
import { inGoOrder } from "./map-order.ts";

it("sorts what the user named, and leaves the fields of an object", () => {
  const container = {
    Id: "1",
    Config: { Image: "x", Cmd: ["b", "a"], Labels: { b: "2", a: "1" } },
    HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "1m", env: "A" } } },
    NetworkSettings: { Networks: { z: { IPAMConfig: null, Aliases: ["q"] }, b: {} } },
  };
  expect(JSON.stringify(inGoOrder(container))).toBe(
    '{"Id":"1","Config":{"Image":"x","Cmd":["b","a"],"Labels":{"a":"1","b":"2"}},"HostConfig":{"LogConfig":{"Type":"json-file","Config":{"env":"A","max-size":"1m"}}},"NetworkSettings":{"Networks":{"b":{},"z":{"IPAMConfig":null,"Aliases":["q"]}}}}',
  );
});
