import type { DockerCommand } from "./command.ts";

export type Load = () => Promise<DockerCommand>;

export const managementAbout: Readonly<Record<string, string>> = {
  builder: "Manage builds",
  buildx: "Docker Buildx",
  container: "Manage containers",
  context: "Manage contexts",
  image: "Manage images",
  network: "Manage networks",
  system: "Manage Docker",
  volume: "Manage volumes",
};

/** Every command under its full name; the module of a command is loaded when it runs. */
export const commands: Readonly<Record<string, Load>> = {
  "container kill": async () => (await import("./container/lifecycle.ts")).kill,
  "container pause": async () => (await import("./container/lifecycle.ts")).pause,
  "container rename": async () => (await import("./container/lifecycle.ts")).rename,
  "container restart": async () => (await import("./container/lifecycle.ts")).restart,
  "container rm": async () => (await import("./container/lifecycle.ts")).rm,
  "container stop": async () => (await import("./container/lifecycle.ts")).stop,
  "container unpause": async () => (await import("./container/lifecycle.ts")).unpause,
  "container wait": async () => (await import("./container/lifecycle.ts")).wait,
};

/** Short names of full commands. */
export const shortNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    "attach commit cp create diff exec export kill logs pause port rename restart rm run start stats stop top unpause update wait"
      .split(" ")
      .map((word) => [word, `container ${word}`]),
  ),
  ...Object.fromEntries("build history import load pull push save tag".split(" ").map((word) => [word, `image ${word}`])),
  ps: "container ls",
  "container ps": "container ls",
  "container list": "container ls",
  "container remove": "container rm",
  images: "image ls",
  "image list": "image ls",
  rmi: "image rm",
  "image remove": "image rm",
  "network list": "network ls",
  "network remove": "network rm",
  "volume list": "volume ls",
  "volume remove": "volume rm",
  events: "system events",
  info: "system info",
};
