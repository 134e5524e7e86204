// The real buildx and Compose plugins for the tests: this machine's own, or those of Debian's next release, which runs ahead of the stable one.
// Fetched once (28 MB, some seconds) into node_modules/.cache; nothing is installed on the machine.
import { spawnSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, "node_modules/.cache/docker-plugins");
const names = ["docker-buildx", "docker-compose"];
const installed = ["/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins", "/usr/local/lib/docker/cli-plugins"];
const suite = "forky";

/** A directory with both plugins, as `$DOCKER_CONFIG/cli-plugins` may link to. @throws Error that says what is missing */
export function dockerPlugins() {
  if (names.every((name) => runs(join(cache, name)))) return cache;
  mkdirSync(cache, { recursive: true });
  const missing = [];
  for (const name of names) {
    const own = installed.map((directory) => join(directory, name)).find(runs);
    if (own) copyFileSync(own, join(cache, name));
    else missing.push(name);
  }
  if (missing.length > 0) fetchPackages(missing);
  return cache;
}

/** With a package list of its own: the machine's packages and sources stay as they are. */
function fetchPackages(missing) {
  const apt = join(cache, "apt");
  rmSync(apt, { recursive: true, force: true });
  for (const directory of ["lists/partial", "archives/partial"]) mkdirSync(join(apt, directory), { recursive: true });
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  writeFileSync(join(apt, "sources.list"), `deb [signed-by=${keyring}] ${debianMirror()} ${suite} main\n`);
  const options = [
    `Dir::Etc::SourceList=${join(apt, "sources.list")}`,
    "Dir::Etc::SourceParts=-",
    `Dir::State::Lists=${join(apt, "lists")}`,
    `Dir::Cache=${apt}`,
    "Acquire::Languages=none",
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  run("apt-get", [...options, "-q", "update"], apt);
  run("apt-get", [...options, "-q", "download", ...missing], apt);
  for (const name of missing) {
    const file = readdirSync(apt).find((entry) => entry.startsWith(`${name}_`));
    if (!file) throw new Error(`the tests need the ${name} plugin; apt-get download gave no package of that name`);
    run("dpkg-deb", ["--extract", join(apt, file), join(apt, name)], apt);
    copyFileSync(join(apt, name, "usr/libexec/docker/cli-plugins", name), join(cache, name));
    chmodSync(join(cache, name), 0o755);
  }
  rmSync(apt, { recursive: true, force: true });
}

/** The archive that this machine's packages come from. */
function debianMirror() {
  const directory = "/etc/apt/sources.list.d";
  const files = ["/etc/apt/sources.list", ...(existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [])];
  const urls = files.flatMap((file) =>
    existsSync(file) ? [...readFileSync(file, "utf8").matchAll(/https?:\/\/\S+\/debian(?=\/?\s)/g)] : [],
  );
  return urls[0]?.[0] ?? "http://deb.debian.org/debian";
}

function run(program, args, cwd) {
  const result = spawnSync(program, args, { cwd, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  if (result.status === 0) return;
  const said = (result.error?.message ?? result.stderr).trim().split("\n").slice(-3).join("\n");
  throw new Error(
    `the tests need Docker's buildx and Compose plugins (Debian ${suite}: docker-buildx, docker-compose). ${program} ${args.at(-1)}: ${said}`,
  );
}

function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
