import type { Container } from "../../api/index.ts";
import type { NamespacePaths } from "../../runtime/index.ts";
import { BerthError } from "../../system/index.ts";

/** Does it have interfaces of its own, be it only loopback? */
export function hasOwnNetwork(record: Container): boolean {
  const mode = record.HostConfig.NetworkMode ?? "";
  return mode !== "host" && !mode.startsWith("container:");
}

/** Does it join a namespace of another container, which then has to run before it? */
export function joinsAnother({ HostConfig: hc }: Container): boolean {
  return [hc.NetworkMode, hc.PidMode, hc.IpcMode].some((mode) => mode?.startsWith("container:"));
}

/** Which namespaces a container gets: `netns` is its own network. @throws BerthError container/not-running */
export function namespacesOf(record: Container, netns: string | undefined, find: (ref: string) => Container | undefined): NamespacePaths {
  const hc = record.HostConfig;
  const of = (mode: string | undefined, kind: string): string | undefined => {
    if (mode === "host") return "host";
    if (!mode?.startsWith("container:")) return undefined;
    const ref = mode.slice("container:".length);
    const other = find(ref);
    if (!other)
      throw new BerthError(
        "runtime/start-failed",
        `joining ${kind === "net" ? "network" : kind} namespace of container: No such container: ${ref}`,
      );
    if (!other.State.Running)
      throw new BerthError("container/not-running", `cannot join ${kind} of a non running container: ${other.Id}`, {
        hint: `Start ${other.Name.slice(1)} first.`,
      });
    return `/proc/${other.State.Pid}/ns/${kind}`;
  };
  const [pid, ipc, uts] = [of(hc.PidMode, "pid"), of(hc.IpcMode, "ipc"), of(hc.UTSMode, "uts")];
  return {
    network: netns ?? of(hc.NetworkMode, "net") ?? "host",
    ...(pid ? { pid } : {}),
    ...(ipc ? { ipc } : {}),
    ...(uts ? { uts } : {}),
    ...(hc.CgroupnsMode === "host" || hc.Privileged ? { cgroup: "host" as const } : {}),
  };
}
