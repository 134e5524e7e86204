// npm run quickstart: from a fresh checkout to a running project, in one command. Can be run again at any time.
import { join } from "node:path";
import { buildBerth, fail, installPackages, installTools, must, requireRootAndNode, root, runProgram, say } from "./setup.mjs";

const baseImage = "debian:bookworm-slim";
const berth = join(root, "bin/berth");
const example = join(root, "examples/guestbook");

requireRootAndNode();
await installPackages();
await installTools();
await buildBerth();
await getBaseImage();

say("berth up: web, worker, db, queue (the first time it builds three images)");
await must(
  berth,
  ["up", "-d", "--wait", "--wait-timeout", "300"],
  "The guestbook did not come up.",
  "`bin/berth -f examples/guestbook/compose.yaml logs` shows what its services say.",
  { cwd: example },
);
say("berth ps");
await must(berth, ["ps"], "berth ps failed.", "`bin/berth engine status` says how the engine is.", { cwd: example });
await showAnswer();
console.log(`
Everything is healthy. What to try next, in examples/guestbook:

    ../../bin/berth logs -f            what the services say
    ../../bin/berth exec db psql -U guestbook -c 'select * from entries'
    ../../bin/berth down               stop and remove it (the rows stay in the volume; -v removes them too)
    export DOCKER_HOST=unix:///run/berth/engine.sock    the docker CLI and its friends work against it`);

/** The registry first; where it cannot be reached, the distribution's package archive. */
async function getBaseImage() {
  if ((await runProgram(berth, ["image", "inspect", baseImage])).code === 0) return;
  say(`base image ${baseImage}: pull`);
  const pull = await runProgram(berth, ["image", "pull", baseImage]);
  if (pull.code === 0) return;
  console.log(`    ${pull.output.trim().split("\n").slice(-2).join("\n    ")}`);
  say(`base image ${baseImage}: bootstrap from the package archive (about half a minute)`);
  await must(
    berth,
    ["image", "bootstrap", baseImage],
    `Neither a registry nor the package archive gave ${baseImage}.`,
    "Load it from another machine: `docker save debian:bookworm-slim | bin/berth image load`.",
  );
}

async function showAnswer() {
  const address = (
    await must(berth, ["port", "web", "8080"], "berth port failed.", "`bin/berth ps` shows the published ports.", {
      cwd: example,
      quiet: true,
    })
  ).trim();
  const url = `http://${address.replace("0.0.0.0", "127.0.0.1")}/`;
  try {
    await fetch(`${url}api/entries`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: `Hello from the quickstart at ${new Date().toISOString()}` }),
    });
    const answer = await fetch(url);
    say(`${url} answers ${answer.status}:`);
    console.log((await answer.text()).replace(/^/gm, "    "));
  } catch (error) {
    fail(`${url} does not answer: ${error.cause?.message ?? error.message}`, "`bin/berth doctor` checks the machine.");
  }
}
