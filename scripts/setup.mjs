// What `npm run quickstart` and `npm test` share: npm packages, the build, and the system tools, installed where they are missing.
// Only Node's own modules: it runs before there is a node_modules.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** One thing that a fresh machine may lack: the programs that show it is there (any of them), what it is for, and its package by package manager. */
const systemTools = [
  { any: ["crun", "runc"], why: "starts isolated processes", apt: "crun", dnf: "crun", apk: "crun", pacman: "crun" },
  {
    any: ["conmon"],
    why: "keeps a container's output and exit code when the engine is away",
    apt: "conmon",
    dnf: "conmon",
    apk: "conmon",
    pacman: "conmon",
  },
  { any: ["nft"], why: "publishes ports and keeps networks apart", apt: "nftables", dnf: "nftables", apk: "nftables", pacman: "nftables" },
  {
    any: ["docker-init", "tini-static", "catatonit"],
    why: "is the small init of services with init: true",
    apt: "tini",
    dnf: "catatonit",
    apk: "tini-static",
    pacman: "catatonit",
  },
  { any: ["ip"], why: "makes bridges", apt: "iproute2", dnf: "iproute", apk: "iproute2", pacman: "iproute2" },
  { any: ["ps"], why: "lists a container's processes (top)", apt: "procps", dnf: "procps-ng", apk: "procps", pacman: "procps-ng" },
  {
    any: ["mmdebstrap"],
    why: "makes the base image where no registry answers",
    apt: "mmdebstrap",
    dnf: "mmdebstrap",
    apk: "mmdebstrap",
    pacman: "mmdebstrap",
  },
];

/** What only the tests need: a static shell for tiny images, a registry to push to, the clients of other engines, a terminal. */
const testTools = [
  {
    any: ["busybox"],
    why: "tests: the root file system of small images",
    apt: "busybox-static",
    dnf: "busybox",
    apk: "busybox-static",
    pacman: "busybox",
  },
  {
    any: ["docker-registry", "registry"],
    why: "tests: a real registry on loopback",
    apt: "docker-registry",
    dnf: "docker-distribution",
    apk: "docker-registry",
    pacman: "docker-registry",
  },
  {
    any: ["htpasswd"],
    why: "tests: a registry with passwords",
    apt: "apache2-utils",
    dnf: "httpd-tools",
    apk: "apache2-utils",
    pacman: "apache",
  },
  { any: ["openssl"], why: "tests: a registry with TLS", apt: "openssl", dnf: "openssl", apk: "openssl", pacman: "openssl" },
  {
    any: ["docker"],
    why: "tests: the docker client against Berth's socket",
    apt: ["docker-cli", "docker.io"],
    dnf: "docker-cli",
    apk: "docker-cli",
    pacman: "docker",
  },
  { any: ["git"], why: "tests: build contexts from git", apt: "git", dnf: "git", apk: "git", pacman: "git" },
  { any: ["tmux"], why: "tests: the attached terminal", apt: "tmux", dnf: "tmux", apk: "tmux", pacman: "tmux" },
  { any: ["vim"], why: "tests: an editor that saves by rename", apt: "vim", dnf: "vim-enhanced", apk: "vim", pacman: "vim" },
  { any: ["zstd"], why: "tests: zstd layers", apt: "zstd", dnf: "zstd", apk: "zstd", pacman: "zstd" },
  {
    any: ["ssh-agent"],
    why: "tests: builds with an agent",
    apt: "openssh-client",
    dnf: "openssh-clients",
    apk: "openssh-client",
    pacman: "openssh",
  },
  { any: ["xz"], why: "tests: xz archives", apt: "xz-utils", dnf: "xz", apk: "xz", pacman: "xz" },
];

const managers = [
  {
    name: "apt",
    program: "apt-get",
    refresh: ["update"],
    install: ["install", "-y", "--no-install-recommends"],
    env: { DEBIAN_FRONTEND: "noninteractive" },
  },
  { name: "dnf", program: "dnf", install: ["install", "-y"] },
  { name: "apk", program: "apk", install: ["add"] },
  { name: "pacman", program: "pacman", refresh: ["-Sy"], install: ["-S", "--noconfirm", "--needed"] },
];

/** Ends the script with one message: what failed and what to do. */
export function fail(what, todo) {
  console.error(`\n${what}\n  ${todo}`);
  process.exit(1);
}

export function say(text) {
  console.log(`==> ${text}`);
}

export function requireRootAndNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Berth needs Node 20.19 or newer; this is ${process.versions.node}.`, "Install a newer Node (https://nodejs.org) and try again.");
  if (process.platform !== "linux")
    fail(`Berth runs on Linux; this is ${process.platform}.`, "Use a Linux machine, a cloud sandbox or WSL 2.");
  if (process.geteuid() !== 0) fail("Berth has to be root to make namespaces, mounts and bridges.", "Run the same command with sudo.");
}

/** npm packages by the lock file, when they are missing or older than it. No install script runs: every binary is inside its package. */
export async function installPackages() {
  const stamp = join(root, "node_modules/.package-lock.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs) return;
  say("npm packages (npm ci)");
  await must(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    "npm could not install the packages.",
    "Is the npm registry reachable? `npm ping` tells.",
  );
}

export async function buildBerth() {
  say("build");
  await must(process.execPath, ["scripts/build.mjs"], "The build failed.", "The message above names the file.");
}

/** Installs the missing system tools with the package manager of this machine; says what and why. */
export async function installTools({ forTests = false } = {}) {
  const missing = [...systemTools, ...(forTests ? testTools : [])].filter((tool) => !tool.any.some(onPath));
  if (missing.length === 0) return;
  const manager = managers.find((candidate) => onPath(candidate.program));
  if (!manager) {
    fail(
      `These programs are missing: ${missing.map((tool) => tool.any.join(" or ")).join(", ")}.`,
      "No package manager that this script knows (apt-get, dnf, apk, pacman) is here: install them by hand.",
    );
  }
  const env = { ...process.env, ...manager.env };
  if (manager.refresh)
    await must(
      manager.program,
      manager.refresh,
      `${manager.program} could not refresh its package lists.`,
      "Is the package archive reachable from this machine?",
      { env, quiet: true },
    );
  const packages = missing.map((tool) => packageOf(tool, manager));
  say(`system tools by ${manager.program}:`);
  for (const [index, name] of packages.entries()) console.log(`    ${name.padEnd(16)} ${missing[index].why}`);
  await must(
    manager.program,
    [...manager.install, ...packages],
    `${manager.program} could not install ${packages.join(" ")}.`,
    "Install them by hand and try again.",
    { env, quiet: true },
  );
  const still = missing.filter((tool) => !tool.any.some(onPath));
  if (still.length > 0)
    fail(
      `${still.map((tool) => tool.any.join(" or ")).join(", ")} is still not on PATH after the installation.`,
      `PATH is ${process.env.PATH}`,
    );
}

/** The tool's package for this manager; of several names (they differ between releases) the first that the archive has. */
function packageOf(tool, manager) {
  const names = [tool[manager.name]].flat();
  return (
    names.find(
      (name) => names.length === 1 || spawnSync("apt-cache", ["show", "--quiet=0", name], { encoding: "utf8" }).stdout.includes("Package:"),
    ) ?? names.at(-1)
  );
}

/** Runs a program with its output shown (or kept for the failure, with `quiet`) and ends this script where it fails. */
export async function must(program, args, what, todo, { env = process.env, quiet = false, cwd = root } = {}) {
  const { code, output } = await runProgram(program, args, { env, quiet, cwd });
  if (code === 0) return output;
  if (quiet) process.stderr.write(output.split("\n").slice(-30).join("\n"));
  return fail(`${what} (${program} ${args.join(" ")} ended with ${code})`, todo);
}

/** @returns {Promise<{code: number, output: string}>} */
export function runProgram(program, args, { env = process.env, quiet = true, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"] });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 127, output: error.message }));
    child.on("close", (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

function onPath(program) {
  const dirs = (process.env.PATH ?? "").split(delimiter).concat("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin");
  return dirs.some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
