import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Docker Compose v2 of this machine: the program that BERTH_COMPOSE names, or an installed one; undefined where there is none. */
export function installedCompose(): string | undefined {
  const places = [
    "/usr/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/local/lib/docker/cli-plugins",
    join(homedir(), ".docker/cli-plugins"),
  ];
  const candidates = [
    process.env["BERTH_COMPOSE"] ?? "",
    ...places.map((place) => join(place, "docker-compose")),
    "/usr/bin/docker-compose",
  ];
  return candidates.find(
    (file) =>
      file !== "" && existsSync(file) && /\bv?2\.\d/.test(spawnSync(file, ["version", "--short"], { encoding: "utf8" }).stdout ?? ""),
  );
}
