// npm run quickstart: from a fresh checkout to a running container, in one command. Can be run again at any time.
import { join } from "node:path";
import { buildBerth, installPackages, installTools, must, requireRootAndNode, root, runProgram, say } from "./setup.mjs";

const baseImage = "debian:bookworm-slim";
const berth = join(root, "bin/berth");

requireRootAndNode();
await installPackages();
await installTools();
await buildBerth();
await getBaseImage();

say("berth docker run: a container of the base image, on the engine that this command starts");
await must(
  berth,
  ["docker", "run", "--rm", baseImage, "sh", "-c", '. /etc/os-release; echo "hello from $PRETTY_NAME, process $$"'],
  "The container did not run.",
  "`bin/berth engine status` says how the engine is; its log is engine.log in BERTH_ROOT (/var/lib/berth).",
);
console.log(`
It works. What to try next:

    bin/berth docker run -d --name web -p 8080:80 IMAGE    Docker's own grammar; \`bin/berth docker --help\` lists what there is
    export DOCKER_HOST=unix:///run/berth/engine.sock       the docker CLI and Docker Compose work against the engine
    bin/berth engine stop                                  containers go on; the next command's engine adopts them`);

/** From the distribution's package archive: no registry has to be reachable. */
async function getBaseImage() {
  if ((await runProgram(berth, ["image", "inspect", baseImage])).code === 0) return;
  say(`base image ${baseImage}: bootstrap from the package archive (about half a minute)`);
  await must(
    berth,
    ["image", "bootstrap", baseImage],
    `The package archive did not give ${baseImage}.`,
    "Load it from another machine: `docker save debian:bookworm-slim | bin/berth image load`.",
  );
}
