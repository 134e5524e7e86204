import { describe, expect, it } from "vitest";
import type { Service, UpOptions } from "../api/index.ts";
import { refreshMs } from "../api/index.ts";
import { type ImageFacts, imageNeed } from "./image-need.ts";

const hourMs = 3_600_000;

function need(service: Partial<Service>, options: UpOptions = {}, facts: Partial<ImageFacts> = {}): string {
  const whole: Service = { name: "web", command: null, entrypoint: null, ...service };
  try {
    const found = imageNeed({ name: "shop" }, whole, options, { present: true, pulledMs: 0, nowMs: 48 * hourMs, ...facts });
    return found.action === "none"
      ? "none"
      : `${found.action}${found.action === "pull" && found.orBuild ? " or build" : ""}: ${found.because}`;
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  }
}

const missing = { present: false, pulledMs: undefined };

describe("an image that is only named", () => {
  const image = { image: "redis:7" };
  it.each<[string, Partial<Service>, UpOptions, Partial<ImageFacts>, string]>([
    ["is pulled when it is missing", image, {}, missing, "pull: its image is not here"],
    ["is left alone when it is here", image, {}, {}, "none"],
    ["is pulled each time where its policy says so", { ...image, pull_policy: "always" }, {}, {}, "pull: its pull policy is always"],
    ["is pulled when the request says so", image, { pull: "always" }, {}, "pull: its pull policy is always"],
    ["is not pulled when the request says never", { ...image, pull_policy: "always" }, { pull: "never" }, {}, "none"],
    [
      "follows its own policy where the request leaves it that",
      { ...image, pull_policy: "always" },
      { pull: "policy" },
      {},
      "pull: its pull policy is always",
    ],
    ["is pulled daily", { ...image, pull_policy: "daily" }, {}, { pulledMs: 23 * hourMs }, "pull: its pull policy is daily"],
    ["is not pulled again the same day", { ...image, pull_policy: "daily" }, {}, { pulledMs: 25 * hourMs }, "none"],
    [
      "is pulled when nobody knows how old it is",
      { ...image, pull_policy: "weekly" },
      {},
      { pulledMs: undefined },
      "pull: its pull policy is weekly",
    ],
    [
      "that may not be pulled and is missing is an error",
      { ...image, pull_policy: "never" },
      {},
      missing,
      "service web: the image redis:7 is not here, and it may not be pulled (pull policy never)",
    ],
  ])("%s", (_, service, options, facts, expected) => {
    expect(need(service, options, facts)).toBe(expected);
  });
});

describe("an image that can be built", () => {
  const build = { build: { context: "/src" } };
  it.each<[string, Partial<Service>, UpOptions, Partial<ImageFacts>, string]>([
    ["is built when it is missing", build, {}, missing, "build: its image is not here"],
    ["is left alone when it is here", build, {}, {}, "none"],
    ["is built when that is asked for", build, { build: "always" }, {}, "build: a build was asked for"],
    ["is built each time where its policy says so", { ...build, pull_policy: "build" }, {}, {}, "build: its pull_policy is build"],
    ["is not pulled, though it has a name", { ...build, image: "shop/web" }, {}, missing, "build: its image is not here"],
    [
      "is pulled first where its policy says so",
      { ...build, image: "shop/web", pull_policy: "missing" },
      {},
      missing,
      "pull or build: its image is not here",
    ],
    [
      "that may not be built and is missing is an error",
      build,
      { build: "never" },
      missing,
      "service web: the image shop-web is not here, and it may not be built (--no-build)",
    ],
  ])("%s", (_, service, options, facts, expected) => {
    expect(need(service, options, facts)).toBe(expected);
  });
});

it("reads how often an image is to be pulled", () => {
  expect(["daily", "weekly", "every_12h", "every_1d12h", "every_30m", "always", "every_", "every_5x"].map(refreshMs)).toEqual([
    24 * hourMs,
    168 * hourMs,
    12 * hourMs,
    36 * hourMs,
    hourMs / 2,
    undefined,
    undefined,
    undefined,
  ]);
});
