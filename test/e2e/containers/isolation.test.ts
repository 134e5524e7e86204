import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ContainerCreateBody } from "../../../src/api/index.ts";
import { busyboxEngine } from "../../support/busybox-berth.ts";

const { api } = await busyboxEngine();

const sh = (script: string): Pick<ContainerCreateBody, "Cmd"> => ({ Cmd: ["sh", "-c", script] });
/** What it prints on both streams, when it ends well. */
async function printed(body: ContainerCreateBody): Promise<string> {
  const { stdout, stderr, exitCode } = await api.run(body);
  return `${stdout}${stderr}${exitCode ? ` [exit ${exitCode}]` : ""}`;
}
const status = (field: string) => ["grep", `^${field}:`, "/proc/self/status"];

/** Bits of capabilities(7): Docker's default set. */
const defaultSet = "00000000a80425fb";

describe("capabilities", () => {
  it.concurrent.each<[string, string, ContainerCreateBody, string]>([
    ["Docker's default set", "CapEff", {}, defaultSet],
    ["bounded by the same", "CapBnd", {}, defaultSet],
    ["none for a user that is not root", "CapEff", { User: "33" }, "0".repeat(16)],
    ["cap_drop takes one away", "CapEff", { HostConfig: { CapDrop: ["NET_RAW"] } }, "00000000a80405fb"],
    ["cap_drop ALL and one added", "CapEff", { HostConfig: { CapDrop: ["ALL"], CapAdd: ["CAP_NET_ADMIN"] } }, "0000000000001000"],
    ["nothing is inherited or ambient", "CapAmb", {}, "0".repeat(16)],
  ])("%s", async (_, field, body, expected) => {
    expect(await printed({ Cmd: status(field), ...body })).toBe(`${field}:\t${expected}`);
  });

  it.concurrent("a privileged container has all that the engine has", async () => {
    const { readFileSync } = await import("node:fs");
    const own = /^CapBnd:\t(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    expect(await printed({ Cmd: status("CapEff"), HostConfig: { Privileged: true } })).toBe(`CapEff:\t${own}`);
  });
});

describe("system calls", () => {
  it.concurrent("one that the default profile does not allow fails", async () => {
    // unshare needs CAP_SYS_ADMIN in the profile; the filter answers, not the kernel.
    expect(await printed(sh("unshare -U true"))).toMatch(/unshare.*Operation not permitted.*\[exit 1\]/);
  });
  it.concurrent("the same is allowed without a filter", async () => {
    expect(await printed({ ...sh("unshare -U true && echo done"), HostConfig: { SecurityOpt: ["seccomp=unconfined"] } })).toBe("done");
  });
  it.concurrent("a profile of one's own is applied", async () => {
    const profile = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
    };
    const body = { ...sh("mkdir /x; echo $?"), HostConfig: { SecurityOpt: [`seccomp=${JSON.stringify(profile)}`] } };
    expect(await printed(body)).toMatch(/^1mkdir: can't create directory '\/x': Function not implemented/);
  });
  it.concurrent("every container is filtered, also from the second on, whose filter is ready-made; so is a process that enters it", async () => {
    for (const _ of [1, 2]) expect(await printed({ Cmd: status("Seccomp") })).toBe("Seccomp:\t2");
    const id = await api.start({ Cmd: ["sleep", "1000"] });
    expect((await api.exec(id, status("Seccomp"))).output).toBe("Seccomp:\t2");
    expect((await api.exec(id, status("CapEff"))).output).toBe(`CapEff:\t${defaultSet}`);
    await api.remove(id);
  });
  it.concurrent("a profile that is no JSON is refused by name", async () => {
    await expect(api.run({ Cmd: ["true"], HostConfig: { SecurityOpt: ["seccomp={"] } })).rejects.toThrow(/seccomp=\{/);
  });
});

describe("the file system", () => {
  it.concurrent.each<[string, ContainerCreateBody, string | RegExp]>([
    ["masks what tells of the host", sh("ls /sys/firmware | wc -l; cat /proc/keys | wc -c; cat /proc/interrupts | wc -c"), "0\n0\n0"],
    ["makes what changes the host read-only", sh("echo 1 > /proc/sys/kernel/panic"), /Read-only file system/],
    ["has sysfs read-only", sh("mkdir /sys/kernel/x /sys/fs/cgroup/memory/x"), /Read-only file system/],
    [
      "has the usual devices and no others",
      sh("cd /dev; ls -1 | tr '\\n' ' '"),
      "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
    ],
    ["refuses a device that was not given", sh("mknod /tmp/x c 240 7; cat /tmp/x"), /Operation not permitted/],
    [
      "has a device that was given, with its rights",
      {
        ...sh("test -c /dev/mine && cat /dev/mine | wc -c; echo x > /dev/mine"),
        HostConfig: { Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/mine", CgroupPermissions: "r" }] },
      },
      /^0/,
    ],
    [
      "obeys a device rule",
      { ...sh("mknod /tmp/x c 240 7; cat /tmp/x"), HostConfig: { DeviceCgroupRules: ["c 240:7 rwm"] } },
      /No such device or address/,
    ],
    [
      "can be read-only",
      { ...sh("touch /x || touch /t/x && echo t"), HostConfig: { ReadonlyRootfs: true, Tmpfs: { "/t": "" } } },
      /^ttouch: \/x: Read-only/,
    ],
    [
      "has all devices and no masks when privileged",
      { ...sh("test -c /dev/kmsg && echo kmsg; grep -c ' /proc/kcore ' /proc/mounts"), HostConfig: { Privileged: true } },
      /^kmsg\n0/,
    ],
    [
      "tmpfs with its options",
      { ...sh("stat -c %a /s; df -k /s | tail -1 | tr -s ' ' | cut -d' ' -f2"), HostConfig: { Tmpfs: { "/s": "size=1m,mode=1700" } } },
      "1700\n1024",
    ],
    [
      "shared memory of a size",
      { ...sh("df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2"), HostConfig: { ShmSize: 8 << 20 } },
      "8192",
    ],
  ])("%s", async (_, body, expected) => {
    const text = await printed(body);
    if (typeof expected === "string") expect(text).toBe(expected);
    else expect(text).toMatch(expected);
  });
});

describe("identity", () => {
  it.concurrent.each<[string, ContainerCreateBody, string]>([
    [
      "a user by name, with the groups of the image",
      { Cmd: ["id"], User: "www-data" },
      "uid=33(www-data) gid=33(www-data) groups=33(www-data)",
    ],
    [
      "numbers, and groups beside",
      { ...sh("id -u; id -g; id -G"), User: "1234:5678", HostConfig: { GroupAdd: ["99", "www-data"] } },
      "1234\n5678\n5678 33 99",
    ],
    ["HOME of that user", { ...sh("echo $HOME"), User: "www-data" }, "/var/www"],
    ["host and domain name", { ...sh("hostname; hostname -f"), Hostname: "box", Domainname: "example.org" }, "box\nbox.example.org"],
    ["the container's id as host name otherwise", sh("hostname | wc -c"), "13"],
    ["extra hosts", { ...sh("grep other /etc/hosts | tr '\\t' ' '"), HostConfig: { ExtraHosts: ["other:10.1.2.3"] } }, "10.1.2.3 other"],
    ["a working directory that is made", { Cmd: ["pwd"], WorkingDir: "/made/for/it" }, "/made/for/it"],
    ["process 1 of its own", sh("echo $$"), "1"],
    ["an init before it", { ...sh("echo $$; cat /proc/1/comm"), HostConfig: { Init: true } }, "7\ndocker-init"],
    ["the host's processes", { ...sh("test $$ -ne 1 && echo other"), HostConfig: { PidMode: "host" } }, "other"],
    ["sysctls", { Cmd: ["cat", "/proc/sys/net/core/somaxconn"], HostConfig: { Sysctls: { "net.core.somaxconn": "123" } } }, "123"],
    ["ports below 1024 for everybody", { Cmd: ["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"] }, "0"],
    ["ulimits", { ...sh("ulimit -Sn; ulimit -Hn"), HostConfig: { Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }] } }, "100\n200"],
    ["no new privileges", { Cmd: status("NoNewPrivs"), HostConfig: { SecurityOpt: ["no-new-privileges:true"] } }, "NoNewPrivs:\t1"],
    ["new privileges unless it is said", { Cmd: status("NoNewPrivs") }, "NoNewPrivs:\t0"],
    ["no signals ignored", sh("grep ^SigIgn: /proc/self/status | tail -c 8"), "0000000"],
    ["umask", sh("umask"), "0022"],
  ])("%s", async (name, body, expected) => {
    const text = await printed(body);
    expect(name === "an init before it" ? text.replace(/^\d+/, "7") : text).toBe(expected);
  });

  it.concurrent("a user or group that the image does not have is refused", async () => {
    await expect(api.run({ Cmd: ["true"], User: "nobody-here" })).rejects.toThrow(
      "unable to find user nobody-here: no matching entries in passwd file",
    );
    await expect(api.run({ Cmd: ["true"], HostConfig: { GroupAdd: ["no-group"] } })).rejects.toThrow("unable to find group no-group");
  });

  it.concurrent("a label option for SELinux and an AppArmor profile change nothing where the machine has neither", async () => {
    if (existsSync("/sys/kernel/security/apparmor/profiles")) return;
    expect(await printed({ Cmd: ["echo", "runs"], HostConfig: { SecurityOpt: ["label=disable", "apparmor=unconfined"] } })).toBe("runs");
  });
});
