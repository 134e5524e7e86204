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
  "container create": async () => (await import("./container/run.ts")).create,
  "container exec": async () => (await import("./container/exec.ts")).exec,
  "container inspect": async () => (await import("./inspect.ts")).inspectContainer,
  "container logs": async () => (await import("./container/logs.ts")).logs,
  "container ls": async () => (await import("./container/list.ts")).ls,
  "container run": async () => (await import("./container/run.ts")).run,
  "container start": async () => (await import("./container/lifecycle.ts")).start,
  "image bootstrap": async () => (await import("./image/archive.ts")).bootstrap,
  "builder build": async () => (await import("./build/build.ts")).build,
  "buildx build": async () => (await import("./build/build.ts")).build,
  "image build": async () => (await import("./build/build.ts")).build,
  "builder prune": async () => (await import("./builder/prune.ts")).prune,
  "image history": async () => (await import("./image/history.ts")).history,
  "image import": async () => (await import("./image/archive.ts")).importImage,
  "image inspect": async () => (await import("./inspect.ts")).inspectImage,
  "image load": async () => (await import("./image/archive.ts")).load,
  "image ls": async () => (await import("./image/list.ts")).ls,
  "image prune": async () => (await import("./image/prune.ts")).prune,
  "image pull": async () => (await import("./image/transfer.ts")).pull,
  "image push": async () => (await import("./image/transfer.ts")).push,
  "image rm": async () => (await import("./image/change.ts")).rm,
  "image save": async () => (await import("./image/archive.ts")).save,
  "image tag": async () => (await import("./image/change.ts")).tag,
  inspect: async () => (await import("./inspect.ts")).inspect,
  login: async () => (await import("./registry/login.ts")).login,
  logout: async () => (await import("./registry/login.ts")).logout,
  "network create": async () => (await import("./network/network.ts")).create,
  "network inspect": async () => (await import("./inspect.ts")).inspectNetwork,
  "network ls": async () => (await import("./network/network.ts")).ls,
  "network prune": async () => (await import("./network/network.ts")).prune,
  "network rm": async () => (await import("./network/network.ts")).rm,
  "system df": async () => (await import("./system/df.ts")).df,
  "system prune": async () => (await import("./system/prune.ts")).prune,
  "volume create": async () => (await import("./volume/volume.ts")).create,
  "volume inspect": async () => (await import("./inspect.ts")).inspectVolume,
  "volume ls": async () => (await import("./volume/volume.ts")).ls,
  "volume rm": async () => (await import("./volume/volume.ts")).rm,
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
