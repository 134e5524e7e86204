import { expect, test } from "vitest";
import { containerFields } from "./container-fields.ts";
import type { ContainerRow } from "./project-containers.ts";

const created = Date.parse("2026-01-02T03:04:05Z");
const row: ContainerRow = {
  Id: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  Names: ["/web"],
  Image: "shop-web",
  ImageID: "sha256:1",
  Command: 'sh -c "echo a long one"',
  Created: created / 1000,
  Ports: [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { PrivatePort: 53, Type: "udp" },
  ],
  Labels: { a: "1", b: "2" },
  State: "running",
  Status: "Up 3 minutes",
  NetworkSettings: { Networks: { front: {}, back: {} } },
  Mounts: [
    { Type: "volume", Name: "a-volume-of-some-length", Source: "/var/lib/x", Destination: "/x", Mode: "", RW: true, Propagation: "" },
    { Type: "bind", Source: "/srv", Destination: "/y", Mode: "", RW: true, Propagation: "" },
  ],
};

test("what is long is cut off, unless all of it is wanted", () => {
  expect(containerFields(row, true, created + 200_000)).toEqual({
    Command: '"sh -c \\"echo a long …"',
    CreatedAt: "2026-01-02 03:04:05 +0000 UTC",
    ID: "0123456789ab",
    Image: "shop-web",
    Labels: "a=1,b=2",
    LocalVolumes: "1",
    Mounts: "a-volume-of-so…,/srv",
    Names: "web",
    Networks: "front,back",
    Ports: "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 53/udp",
    RunningFor: "3 minutes ago",
    State: "running",
    Status: "Up 3 minutes",
  });
  expect(containerFields(row, false, created)).toMatchObject({
    Command: '"sh -c \\"echo a long one\\""',
    ID: row.Id,
    Mounts: "a-volume-of-some-length,/srv",
  });
});
