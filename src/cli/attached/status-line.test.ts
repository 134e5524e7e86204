import { expect, test } from "vitest";
import { paint } from "../render/paint.ts";
import { type Status, statusLine } from "./status-line.ts";

const status: Status = {
  services: [
    { service: "web", states: ["running", "running"], health: "none" },
    { service: "db", states: ["running"], health: "starting" },
    { service: "job", states: ["exited"], health: "none" },
  ],
  published: ["127.0.0.1:8080"],
  building: "web",
  watch: "on",
  filter: ["web"],
  search: "GET",
};

test("services, addresses, builds and filters, with help at the end", () => {
  expect(statusLine(status, 200, paint(false))).toBe(
    " ✔ web 2/2  … db starting  ✘ job exited | 127.0.0.1:8080 | building web | watch on | only web | /GET | ? help",
  );
});

test("what does not fit is cut, help is not", () => {
  const line = statusLine(status, 40, paint(false));
  expect(line.length).toBeLessThan(40);
  expect(line.endsWith("… | ? help")).toBe(true);
});
