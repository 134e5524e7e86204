import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { Container, ContainerCreateBody, HostConfig } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

type Find = (ref: string) => Container | undefined;

const prefix = "container:";

/**
 * The body of a create with the containers whose namespaces it joins named by id: another container may have the name later. A network's owner that is not there
 * yet is looked for at the start, as with Docker. @throws BerthError container/bad-config (a "not found" would make clients pull the image)
 */
export function withJoinedIds(body: ContainerCreateBody, find: Find): ContainerCreateBody {
  const hc = body.HostConfig;
  if (![hc?.NetworkMode, hc?.IpcMode, hc?.PidMode].some((mode) => mode?.startsWith(prefix))) return body;
  const byId = (mode: string, isRequired: boolean): string => {
    const ref = mode.slice(prefix.length);
    const other = ref ? find(ref) : undefined;
    if (!other && isRequired) throw new BerthError("container/bad-config", `No such container: ${ref}`);
    return other ? prefix + other.Id : mode;
  };
  const joined: Pick<HostConfig, "NetworkMode" | "IpcMode" | "PidMode"> = {
    ...(hc?.NetworkMode?.startsWith(prefix) ? { NetworkMode: byId(hc.NetworkMode, false) } : {}),
    ...(hc?.IpcMode?.startsWith(prefix) ? { IpcMode: byId(hc.IpcMode, true) } : {}),
    ...(hc?.PidMode?.startsWith(prefix) ? { PidMode: byId(hc.PidMode, true) } : {}),
  };
  return { ...body, HostConfig: { ...hc, ...joined } };
}

/** Whose interfaces, names and resolver a container has: its own, or those of the one whose network it joins. */
export function networkOwner<C extends Container>(record: C, find: (ref: string) => C | undefined): C {
  const mode = record.HostConfig.NetworkMode ?? "";
  const other = mode.startsWith(prefix) ? find(mode.slice(prefix.length)) : undefined;
  return other && other.Id !== record.Id ? other : record;
}

/** On the host's network a container has the host's name, unless another was asked for. */
export function defaultHostname(body: ContainerCreateBody): string | undefined {
  return body.HostConfig?.NetworkMode === "host" ? hostname() : undefined;
}

/** There it has the host's names, too, and those of `extra_hosts` after them. Undefined where the machine has no such file. */
export function hostsOfHost(extraHosts: readonly string[]): string | undefined {
  const extra = extraHosts.map((text) => {
    const at = text.search(/[:=]/);
    const address = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
    return `${address === "host-gateway" ? "127.0.0.1" : address}\t${text.slice(0, at)}\n`;
  });
  try {
    return [readFileSync("/etc/hosts", "utf8").replace(/\n?$/, "\n"), ...extra].join("");
  } catch {
    return undefined;
  }
}

/**
 * The directory of shared memory that a container has in common with others: the host's, its own where it is to be shared, that of the one it joins. Undefined: it
 * is private. `own` is where the container's own is. @throws BerthError runtime/start-failed
 */
export function sharedMemory(record: Container, find: Find, own: (id: string) => string): string | undefined {
  const mode = record.HostConfig.IpcMode ?? "";
  if (mode === "host") return "/dev/shm";
  if (mode === "shareable") return own(record.Id);
  if (!mode.startsWith(prefix)) return undefined;
  const other = find(mode.slice(prefix.length));
  const directory = other && other.Id !== record.Id ? sharedMemory(other, find, own) : undefined;
  if (other && !directory)
    throw new BerthError(
      "runtime/start-failed",
      `failed to join IPC namespace: container ${other.Id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
      { hint: `Give ${other.Name.slice(1)} \`ipc: shareable\`.` },
    );
  return directory;
}
