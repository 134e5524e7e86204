import { spawn } from "node:child_process";
import { once } from "node:events";
import { execa } from "execa";

/** A network of its own with only a loopback interface: rules and links made there are nobody else's. */
export interface NetworkNamespace extends AsyncDisposable {
  /** The process whose namespaces these are. */
  readonly pid: number;
  /** What to put before a command that should run inside, in this directory. */
  enter(directory?: string): string[];
  /** Runs a shell script inside, which fails at its first command that does; answers stdout. */
  sh(script: string): Promise<string>;
}

// /sys shows the interfaces of the network that it was mounted in; the cgroups below it stay what they are.
const setUp = [
  "set -e",
  "mkdir -p /run/berth-tests/cgroups",
  "mount --rbind /sys/fs/cgroup /run/berth-tests/cgroups",
  "mount -t sysfs sysfs /sys",
  "mount --rbind /run/berth-tests/cgroups /sys/fs/cgroup",
  "umount -l /run/berth-tests/cgroups",
  "ip link set lo up",
  "echo ready",
  "exec sleep 1000000",
].join("\n");

export async function networkNamespace(): Promise<NetworkNamespace> {
  const holder = spawn("unshare", ["-n", "-m", "--propagation", "slave", "sh", "-c", setUp], { stdio: ["ignore", "pipe", "inherit"] });
  const pid = holder.pid;
  if (!pid) throw new Error("unshare could not be started");
  const ended = once(holder, "exit");
  await Promise.race([once(holder.stdout, "data"), ended.then(() => Promise.reject(new Error("no network namespace could be made")))]);
  const enter = (directory = "/") => ["nsenter", "-t", String(pid), "-n", "-m", `--wdns=${directory}`, "--"];
  return {
    pid,
    enter,
    sh: async (script) => String((await execa("env", [...enter(), "sh", "-ec", script])).stdout),
    [Symbol.asyncDispose]: async () => {
      holder.kill("SIGKILL");
      await ended;
    },
  };
}
