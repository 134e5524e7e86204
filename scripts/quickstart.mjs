// npm run quickstart: from a fresh checkout to the guestbook (web, worker, Postgres, Redis) up and healthy, in one command. Can be run again at any time.
import { join } from "node:path";
import { buildBerth, fail, installPackages, installTools, must, requireRootAndNode, root, runProgram, say } from "./setup.mjs";

const baseImage = "debian:bookworm-slim";
const berth = join(root, "bin/berth");
const guestbook = join(root, "examples/guestbook");
const port = process.env.GUESTBOOK_PORT ?? "8080";

requireRootAndNode();
await installPackages();
await installTools();
await buildBerth();
await getBaseImage();

say("berth up -d --wait in examples/guestbook: builds its images, starts web, worker, Postgres and Redis, waits until all are healthy");
await must(
  berth,
  ["up", "-d", "--wait"],
  "The guestbook did not come up.",
  "The lines above say why; `bin/berth doctor` checks this machine. GUESTBOOK_PORT chooses another port than 8080.",
  { cwd: guestbook },
);
say("berth ps");
await must(berth, ["ps"], "The containers cannot be listed.", "`bin/berth engine status` says how the engine is.", { cwd: guestbook });
await showPage();
console.log(`
It works. What to try next, in examples/guestbook:

    open http://localhost:${port}/          write an entry: it goes through Redis to Postgres
    ../../bin/berth logs -f                what the four say
    ../../bin/berth exec db psql -U guestbook -c 'select * from entries'
    ../../bin/berth up                     the same in the foreground; Ctrl-C stops it
    ../../bin/berth down                   stops and removes it; the entries stay for the next up (down -v forgets them)
    ../../bin/berth --help

The docker CLI and Docker Compose work against the engine, too: export DOCKER_HOST=unix:///run/berth/engine.sock`);

/** From its registry, or, where none answers, from the distribution's package archive. */
async function getBaseImage() {
  if ((await runProgram(berth, ["image", "inspect", baseImage])).code === 0) return;
  say(`base image ${baseImage}: pull`);
  const pull = await runProgram(berth, ["image", "pull", baseImage]);
  if (pull.code === 0) return;
  console.log(`    ${pull.output.trim().split("\n")[0]}`);
  say(`base image ${baseImage}: bootstrap from the package archive instead (about half a minute)`);
  await must(
    berth,
    ["image", "bootstrap", baseImage],
    `Neither a registry nor the package archive gave ${baseImage}.`,
    "Load it from another machine: `docker save debian:bookworm-slim | bin/berth image load`.",
  );
}

async function showPage() {
  const address = `http://localhost:${port}/`;
  say(`GET ${address}`);
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(10_000) });
    const page = await answer.text();
    if (!answer.ok) throw new Error(`status ${answer.status}: ${page.slice(0, 200)}`);
    console.log(
      `    ${answer.status} ${answer.headers.get("content-type")}: ${/<title>(.*?)<\/title>/s.exec(page)?.[1] ?? `${page.length} bytes`}`,
    );
  } catch (error) {
    fail(
      `The page does not answer: ${error instanceof Error ? error.message : error}.`,
      "`bin/berth logs web` in examples/guestbook says what the web service says.",
    );
  }
}
