import { expect, test } from "vitest";
import type { ContainerRow } from "../project-containers.ts";
import { psRow } from "./ps.ts";

const created = Date.parse("2026-01-02T03:04:05Z");
const row: ContainerRow = {
  Id: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  Names: ["/shop-web-1"],
  Image: "shop-web",
  ImageID: "sha256:1",
  Command: "node /srv/a-long-name/server.js",
  Created: created / 1000,
  Ports: [{ IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" }],
  Labels: { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" },
  State: "running",
  Status: "Up 3 minutes (health: starting)",
  NetworkSettings: { Networks: { shop_default: {} } },
  Mounts: [],
};

test("a row has Compose's field names", () => {
  expect(psRow(row, true, created + 200_000)).toMatchObject({
    Command: '"node /srv/a-long-na…"',
    CreatedAt: "2026-01-02 03:04:05 +0000 UTC",
    ExitCode: 0,
    Health: "starting",
    ID: "0123456789ab",
    Name: "shop-web-1",
    Networks: "shop_default",
    Project: "shop",
    Publishers: [{ URL: "0.0.0.0", TargetPort: 80, PublishedPort: 8080, Protocol: "tcp" }],
    RunningFor: "3 minutes ago",
    Service: "web",
    State: "running",
  });
});

test("the exit code and the health are in the status", () => {
  expect(psRow({ ...row, Status: "Exited (137) 2 hours ago" }, true, created)).toMatchObject({ ExitCode: 137, Health: "" });
  expect(psRow({ ...row, Status: "Up 1 second (unhealthy)" }, true, created)).toMatchObject({ ExitCode: 0, Health: "unhealthy" });
});
