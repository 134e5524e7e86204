import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cloneFlag, mountFlag, NetlinkSocket, netlinkFamily, syscalls, umountFlag } from "../system/index.ts";

const directory = "/run/netns";
const newInterfacesHaveNoIpv6 = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

export const namespacePath = (name: string): string => `${directory}/${name}`;

/**
 * Makes the directory of named namespaces a mount of its own that is shared, as `ip netns add` does at its first (ip-netns(8)). Were it done there and later,
 * the names that are mounted by then would be mounted twice, and could not be deleted.
 */
function prepareNamespaces(): void {
  if (isPrepared) return;
  mkdirSync(directory, { recursive: true });
  const { mount } = syscalls();
  try {
    mount("", directory, "none", mountFlag.shared | mountFlag.rec, "");
  } catch {
    // EINVAL: it is no mount yet.
    mount(directory, directory, "none", mountFlag.bind | mountFlag.rec, "");
    mount("", directory, "none", mountFlag.shared | mountFlag.rec, "");
  }
  isPrepared = true;
}
let isPrepared = false;

/** An open network namespace: to put interfaces into it, and to configure them from inside. */
export interface OpenNamespace {
  readonly fd: number;
  readonly socket: NetlinkSocket;
  close(): void;
}

/**
 * Makes a named network namespace, as `ip netns add` does, and opens it. This thread is in it for a few system calls and nothing else happens meanwhile; other
 * threads are not affected (network_namespaces(7): a namespace is a thread's).
 */
export function createNamespace(name: string): OpenNamespace {
  prepareNamespaces();
  const path = namespacePath(name);
  writeFileSync(path, "", { flag: "wx", mode: 0o444 });
  try {
    return fromInside(
      () => syscalls().unshare(cloneFlag.newnet),
      () => {
        // Interfaces have IPv6 where their network has (Docker's rule): with a link-local address alone they would only look for routers.
        if (existsSync(newInterfacesHaveNoIpv6)) writeFileSync(newInterfacesHaveNoIpv6, "1");
        syscalls().mount("/proc/thread-self/ns/net", path, "", mountFlag.bind, "");
        return open(path);
      },
    );
  } catch (error) {
    discard(path);
    throw error;
  }
}

/** Opens a namespace that is there. */
export function openNamespace(name: string): OpenNamespace {
  return insideNamespace(name, () => open(namespacePath(name)));
}

/** Does in a namespace what only counts where it is begun: a socket belongs to the namespace that it was made in. `work` must not wait for anything. */
export function insideNamespace<T>(name: string, work: () => T): T {
  const fd = openSync(namespacePath(name), "r");
  try {
    return fromInside(() => syscalls().setns(fd, cloneFlag.newnet), work);
  } finally {
    closeSync(fd);
  }
}

/** The namespace ends with its last process; its interfaces go with it. On another thread, because an unmount waits for every processor. */
export async function removeNamespace(name: string): Promise<void> {
  const path = namespacePath(name);
  const umount = syscalls().libcAsync("int umount2(const char *t, int flags)");
  // One whose mount was lost with its mount namespace is only a file.
  await new Promise<void>((resolve) => umount([path, umountFlag.detach], () => resolve()));
  rmSync(path, { force: true });
}

function discard(path: string): void {
  try {
    syscalls().umount(path, umountFlag.detach);
  } catch {
    // It was not mounted yet.
  }
  rmSync(path, { force: true });
}

/** The names of all that begin so. */
export function namespaces(prefix: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(prefix)) : [];
}

function open(path: string): OpenNamespace {
  const fd = openSync(path, "r");
  const socket = new NetlinkSocket(netlinkFamily.route);
  return {
    fd,
    socket,
    close: () => {
      closeSync(fd);
      socket.close();
    },
  };
}

/** Runs `work` in another network namespace. An engine that does not find back would act on the wrong network: it ends at once. */
function fromInside<T>(enter: () => void, work: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    enter();
    return work();
  } finally {
    try {
      syscalls().setns(home, cloneFlag.newnet);
    } catch {
      process.abort();
    }
    closeSync(home);
  }
}
