import { expect, test } from "vitest";
import type { Project, Service } from "../../api/index.ts";
import { attachedServices, shortNames, withDependencies } from "./attached-services.ts";

const service = (name: string, more: Partial<Service> = {}): Service => ({ name, command: null, entrypoint: null, ...more });
const project: Project = {
  name: "shop",
  services: {
    web: service("web", { depends_on: { db: { condition: "service_started", required: true } }, scale: 2 }),
    db: service("db", { container_name: "the-db" }),
    noisy: service("noisy", { attach: false }),
  },
  networks: {},
  volumes: {},
  secrets: {},
  configs: {},
  working_dir: "/",
  config_files: [],
};

test("all but those that the file or a flag leaves out", () => {
  expect(attachedServices(project, [], {})).toEqual(["web", "db"]);
  expect(attachedServices(project, [], { noAttach: ["db"] })).toEqual(["web"]);
  expect(attachedServices(project, [], { attach: ["noisy"] })).toEqual(["noisy"]);
  expect(() => attachedServices(project, [], { attach: ["nosy"] })).toThrow("no such service: nosy");
});

test("what was named, with its dependencies only when they are asked for", () => {
  expect(attachedServices(project, ["web"], {})).toEqual(["web"]);
  expect(attachedServices(project, ["web"], { attachDependencies: true })).toEqual(["web", "db"]);
  expect(withDependencies(project, ["web"])).toEqual(["web", "db"]);
});

test("names in front of the output", () => {
  expect(shortNames(project, "web")).toEqual(["web-1", "web-2"]);
  expect(shortNames(project, "web", { web: 1 })).toEqual(["web-1"]);
  expect(shortNames(project, "db")).toEqual(["the-db"]);
});
