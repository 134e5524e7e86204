import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

/** A docker-archive (what `docker load` reads) of busybox:latest, made from the static busybox of Debian's busybox-static. The same bytes each time. */
export function busyboxArchive(name = "busybox:latest"): Buffer {
  const layer = tarArchive(rootfsEntries());
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      created: "2026-01-01T00:00:00Z",
      config: { Cmd: ["sh"], Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
      history: [{ created: "2026-01-01T00:00:00Z", created_by: "rootfs" }],
    }),
  );
  const configName = `${sha256(config)}.json`;
  return tarArchive([
    { name: configName, data: config },
    { name: "layer.tar", data: layer },
    { name: "manifest.json", data: JSON.stringify([{ Config: configName, RepoTags: [name], Layers: ["layer.tar"] }]) },
  ]);
}

export interface TarEntry {
  readonly name: string;
  readonly type?: "file" | "directory" | "hardlink" | "symlink";
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly data?: string | Uint8Array;
}

/** A ustar archive of these entries; names of at most 100 bytes. */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(tarEntry), Buffer.alloc(1024)]);
}

function tarEntry(entry: TarEntry): Buffer[] {
  const data = Buffer.from(entry.data ?? "");
  const type = entry.type ?? "file";
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number) => header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
  header.write(entry.name + (type === "directory" ? "/" : ""), 0);
  octal(entry.mode ?? (type === "directory" ? 0o755 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(data.length, 124, 12);
  octal(entry.mtime ?? 0, 136, 12);
  header.write({ file: "0", hardlink: "1", symlink: "2", directory: "5" }[type], 156);
  header.write(entry.link ?? "", 157);
  header.write("ustar\u000000", 257);
  header.fill(" ", 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
}

function rootfsEntries(): TarEntry[] {
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));
  if (!busybox) throw new Error("the tests need a static busybox: apt-get install busybox-static");
  const applets = execFileSync(busybox, ["--list"], { encoding: "utf8" }).split(/\s+/);
  const directories = "bin dev etc home proc root sys usr usr/bin usr/sbin var var/spool var/www".split(" ");
  return [
    ...directories.map((name) => ({ name, type: "directory" as const })),
    { name: "tmp", type: "directory", mode: 0o1777 },
    { name: "bin/busybox", mode: 0o755, data: readFileSync(busybox) },
    ...applets
      .filter((name) => name && name !== "busybox")
      .map((name) => ({ name: `bin/${name}`, type: "hardlink" as const, mode: 0o755, link: "bin/busybox" })),
    { name: "etc/passwd", data: passwd },
    { name: "etc/group", data: "root:x:0:\nbin:x:1:\nwww-data:x:33:\nnogroup:x:65534:\n" },
    { name: "etc/nsswitch.conf", data: "hosts: files dns\n" },
  ];
}

const passwd = `root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
