import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { BerthError, errnoOf } from "../system/index.ts";
import { aptSourceLines } from "./apt-sources.ts";
import { familiarName, parseReference } from "./reference.ts";
import type { ImageStore } from "./store.ts";

/**
 * Makes a base image (`debian:bookworm`, `debian:bookworm-slim`, `ubuntu:noble`) with mmdebstrap from the package sources that this machine
 * itself uses, so that no registry is needed. Spawns one mmdebstrap; its archive is unpacked as it comes.
 * @throws BerthError `image/bootstrap`, `system/missing-tool`
 */
export async function bootstrap(
  store: ImageStore,
  ref: string,
  o: { signal: AbortSignal; onProgress?: (line: string) => void },
): Promise<string> {
  const { distribution, suite, slim } = suiteOf(ref);
  const { host } = store;
  const tool = host.tools.mmdebstrap;
  if (!tool) {
    throw new BerthError("system/missing-tool", 'the program "mmdebstrap" is not installed', {
      hint: "apt-get install mmdebstrap, or load an image archive with `berth image load`.",
    });
  }
  const sources = aptSourceLines(readAptFiles(), { distribution, suite });
  const work = store.newTemp();
  const child = spawn(tool, mmdebstrapArgs(suite, slim, sources), {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      LC_ALL: "C",
      TMPDIR: work,
      DEBIAN_FRONTEND: "noninteractive",
      ...proxies(),
    },
    detached: true,
  });
  const kill = () => {
    // Its own process group: dpkg and apt go with it.
    if (child.pid !== undefined) signalGroup(child.pid);
  };
  o.signal.addEventListener("abort", kill, { once: true });
  const tail: string[] = [];
  let partial = "";
  child.stderr.on("data", (chunk: Buffer) => {
    const lines = (partial + chunk.toString()).split(/[\r\n]+/);
    partial = lines.pop() ?? "";
    for (const line of lines.filter((text) => text.trim() !== "")) {
      tail.push(line);
      if (tail.length > 12) tail.shift();
      if (/^[IWE]: /.test(line)) o.onProgress?.(line.slice(3));
    }
  });
  const ended = new Promise<Error | number | null>((resolve) => {
    child.once("error", resolve);
    child.once("close", (code) => resolve(code));
  });
  try {
    const checked = async function* (): AsyncGenerator<Buffer> {
      yield* child.stdout as Readable as AsyncIterable<Buffer>;
      const end = await ended;
      o.signal.throwIfAborted();
      if (end !== 0) {
        const why =
          end instanceof Error
            ? end.message
            : tail
                .filter((line) => /^E: /.test(line))
                .slice(-3)
                .join("; ") || tail.slice(-3).join("; ");
        throw new BerthError("image/bootstrap", `cannot bootstrap ${familiarName(ref)}: ${why}`, {
          hint: "It is made from the package sources in /etc/apt; check that `apt-get update` works.",
        });
      }
    };
    const layer = await store.transferring(() =>
      store.addLayer({ parent: undefined, input: checked(), whiteouts: false, signal: o.signal }),
    );
    const created = new Date().toISOString();
    const id = store.createImage({
      config: {
        architecture: host.architecture,
        os: "linux",
        created,
        config: { Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["bash"], WorkingDir: "/", Labels: {} },
        rootfs: { type: "layers", diff_ids: [layer.diffId] },
        history: [{ created, created_by: `berth image bootstrap ${familiarName(ref)}`, comment: "mmdebstrap" }],
      },
      tags: [ref],
    });
    store.tell({ action: "import", id, name: familiarName(ref) });
    return id;
  } finally {
    o.signal.removeEventListener("abort", kill);
    kill();
    await ended;
    await rm(work, { recursive: true, force: true });
  }
}

/** What a reference asks for. @throws BerthError `image/bootstrap` when it is not a distribution */
function suiteOf(ref: string): { distribution: "debian" | "ubuntu"; suite: string; slim: boolean } {
  const { domain, repository, tag = "latest" } = parseReference(ref);
  const distribution = repository === "library/debian" ? "debian" : repository === "library/ubuntu" ? "ubuntu" : undefined;
  if (domain !== "docker.io" || !distribution) {
    throw new BerthError(
      "image/bootstrap",
      `${familiarName(ref)} cannot be bootstrapped: only debian:<suite>[-slim] and ubuntu:<suite> can`,
    );
  }
  const slim = tag.endsWith("-slim") || tag === "slim";
  const name = tag === "slim" ? "latest" : tag.replace(/-slim$/, "").replace(/-\d{8}$/, "");
  const known: Record<string, string> =
    distribution === "debian"
      ? { "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky", latest: machineSuite() ?? "bookworm" }
      : { "20.04": "focal", "22.04": "jammy", "24.04": "noble", latest: machineSuite() ?? "noble" };
  const suite = known[name] ?? name;
  if (!/^[a-z][a-z-]*$/.test(suite))
    throw new BerthError("image/bootstrap", `"${name}" is not a release of ${distribution} that is known here`);
  return { distribution, suite, slim };
}

function mmdebstrapArgs(suite: string, slim: boolean, sources: readonly string[]): string[] {
  const clean = [
    "/var/cache/apt/*.bin",
    "/var/cache/apt/archives/*.deb",
    "/var/lib/apt/lists/*",
    "/var/log/apt",
    "/var/log/dpkg.log",
    "/var/log/alternatives.log",
    "/var/log/bootstrap.log",
  ];
  const docs = [
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/locale/*",
    "/usr/share/groff/*",
  ];
  return [
    "--variant=minbase",
    "--mode=root",
    "--format=tar",
    // A snapshot mirror's Release files are past their date.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=Acquire::Languages "none"',
    ...(slim ? [...docs.map((path) => `--dpkgopt=path-exclude=${path}`), "--dpkgopt=path-include=/usr/share/doc/*/copyright"] : []),
    // No service starts while a package is installed in a build, as in Docker's base images.
    `--customize-hook=printf '#!/bin/sh\\nexit 101\\n' > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"`,
    `--customize-hook=printf 'APT::Sandbox::User "root";\\nAcquire::Check-Valid-Until "false";\\nAcquire::Languages "none";\\nDpkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\\n' > "$1/etc/apt/apt.conf.d/90image"`,
    `--customize-hook=rm -rf ${clean.map((path) => `"$1"${path}`).join(" ")}`,
    `--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf" "$1/etc/machine-id" && : > "$1/etc/machine-id"`,
    suite,
    "-",
    ...sources,
  ];
}

function readAptFiles(): { name: string; text: string }[] {
  const directory = "/etc/apt/sources.list.d";
  const names = ["/etc/apt/sources.list", ...list(directory).map((name) => join(directory, name))];
  return names.flatMap((name) => {
    try {
      return [{ name, text: readFileSync(name, "utf8") }];
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  });
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function machineSuite(): string | undefined {
  try {
    return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function proxies(): Record<string, string> {
  return Object.fromEntries(
    ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((key) =>
      process.env[key] ? [[key, process.env[key]]] : [],
    ),
  );
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGTERM");
  } catch {
    // It has ended.
  }
}
