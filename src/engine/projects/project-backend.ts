import type { ServiceHook } from "../../api/index.ts";
import { type Networks, optionsWithoutEffect } from "../../network/index.ts";
import { execInContainer, type Runtime, readLogs, type Volumes } from "../../runtime/index.ts";
import type { Backend, WriteFile } from "../../scheduler/index.ts";
import { configHash, networkHash, volumeHash } from "../../spec/index.ts";
import { BerthError } from "../../system/index.ts";
import type { Containers } from "../containers/containers.ts";
import type { EventBus } from "../event-bus.ts";
import { projectFiles } from "./project-files.ts";

export interface ProjectBackendOptions {
  readonly containers: Containers;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly runtime: Runtime;
  readonly events: EventBus;
  readonly images: Backend["images"];
  readonly writeFile: WriteFile;
  readonly socket: string;
}

/** The engine as the scheduler sees it: its own objects, with the events that the API's routes tell otherwise. */
export function projectBackend(o: ProjectBackendOptions): Backend {
  const { containers, networks, volumes, runtime, events } = o;
  return {
    containers,
    networks: {
      list: () => networks.list(),
      create: (body) => {
        const [idle] = optionsWithoutEffect({ Driver: body.Driver || "bridge", Options: body.Options ?? {} });
        if (idle !== undefined)
          throw new BerthError("network/bad-option", `the network option ${idle} has no effect here`, { hint: "Take it away." });
        const network = networks.create(body);
        events.emit("network", "create", network.Id, { name: network.Name, type: network.Driver });
        return network;
      },
      remove: async (ref) => {
        const network = await networks.remove(ref);
        events.emit("network", "destroy", network.Id, { name: network.Name, type: network.Driver });
      },
    },
    volumes: {
      list: () => volumes.list(),
      create: (name, body) => {
        const volume = volumes.create(name, body);
        events.emit("volume", "create", volume.Name, { driver: volume.Driver });
        return volume;
      },
      remove: async (name) => {
        await volumes.remove(name);
        events.emit("volume", "destroy", name, { driver: "local" });
      },
      usersOf: (name) => containers.volumeUsers(name).length,
    },
    images: o.images,
    events,
    files: projectFiles({ containers, runtime }),
    runHook: (id, hook) => runHook(runtime, id, hook),
    writeFile: o.writeFile,
    tail: (id, lines) => tail(runtime, id, lines),
    configHash,
    networkHash,
    volumeHash,
    apiSocket: o.socket,
    nowMs: () => Date.now(),
  };
}

const keptOutput = 4096;

async function runHook(runtime: Runtime, id: string, hook: ServiceHook): Promise<{ exitCode: number; output: string }> {
  let output = "";
  const session = execInContainer(
    runtime,
    id,
    {
      args: hook.command,
      env: Object.entries(hook.environment ?? {}).map(([name, value]) => (value === null ? name : `${name}=${value}`)),
      user: hook.user ?? "",
      cwd: hook.working_dir ?? "",
      tty: false,
      stdin: false,
      privileged: hook.privileged === true,
    },
    (_, data) => {
      output = (output + data.toString()).slice(-keptOutput);
    },
  );
  return { exitCode: await session.exited, output };
}

async function tail(runtime: Runtime, id: string, lines: number): Promise<string[]> {
  const query = { tail: lines, stdout: true, stderr: true, ended: () => true, signal: AbortSignal.timeout(5000) };
  const texts: string[] = [];
  for await (const batch of readLogs(runtime.logPath(id), query)) texts.push(...batch.map(({ data }) => data.toString().trimEnd()));
  return texts;
}
