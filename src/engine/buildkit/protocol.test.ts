import { expect, it } from "vitest";
import { buildkitDescriptor } from "../../../scripts/buildkit-descriptor.mjs";
import descriptor from "./descriptor.generated.json" with { type: "json" };
import { Protocol } from "./protocol.ts";
import { resultDefinition, resultOfDefinition } from "./result-definition.ts";

it("is generated from the descriptions that are beside it", () => {
  expect(descriptor).toEqual(JSON.parse(buildkitDescriptor()));
});

it("writes and reads messages, and knows which methods are streams", () => {
  const { DiffCopy } = new Protocol().methods("moby.filesync.v1.FileSync");
  expect(DiffCopy).toMatchObject({ path: "/moby.filesync.v1.FileSync/DiffCopy", requestStream: true, responseStream: true });
  const packet = { type: 0, ID: 7, stat: { path: "a/b", mode: 0o644, size: 3_000_000_000, xattrs: { "user.x": Buffer.from("y") } } };
  expect(DiffCopy?.response.decode(DiffCopy.request.encode(packet))).toMatchObject({
    ID: 7,
    stat: { path: "a/b", size: 3_000_000_000, linkname: "" },
  });
});

it("finds a result again in the graph that a client hands on", () => {
  const protocol = new Protocol();
  expect(resultOfDefinition(protocol, resultDefinition(protocol, "abc"))).toBe("abc");
  const other = protocol.codec("pb.Op").encode({ source: { identifier: "docker-image://docker.io/library/alpine:latest" } });
  expect(resultOfDefinition(protocol, { def: [other] })).toBeUndefined();
});
