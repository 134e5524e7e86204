import { expect, test } from "vitest";
import type { ContainerRow } from "../project-containers.ts";
import { projectRows } from "./ls.ts";

const row = (project: string, State: string): ContainerRow => ({
  Id: "1",
  Names: [],
  Image: "",
  ImageID: "",
  Command: "",
  Created: 0,
  Ports: [],
  Labels: { "com.docker.compose.project": project, ...(project === "shop" ? { "com.docker.compose.project.config_files": "/a,/b" } : {}) },
  State,
  Status: "",
  NetworkSettings: { Networks: {} },
  Mounts: [],
});

test("counts what is in which state, and names the files once", () => {
  expect(projectRows([row("shop", "running"), row("api", "exited"), row("shop", "exited"), row("shop", "running")])).toEqual([
    { Name: "api", Status: "exited(1)", ConfigFiles: "N/A" },
    { Name: "shop", Status: "exited(1), running(2)", ConfigFiles: "/a,/b" },
  ]);
});
