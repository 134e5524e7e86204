// npm test: type check, lint, unit, property, integration and end-to-end tests. Does its own set-up, on a machine that may have nothing.
import { dockerPlugins } from "./docker-plugins.mjs";
import { buildBerth, fail, installPackages, installTools, must, requireRootAndNode, say } from "./setup.mjs";

requireRootAndNode();
await installPackages();
await installTools({ forTests: true });
try {
  dockerPlugins();
} catch (error) {
  fail(error.message, "Put the plugins into /usr/libexec/docker/cli-plugins, or make the package archive reachable.");
}
await buildBerth();
const npx = (name, args, todo) => must("node_modules/.bin/" + name, args, `${name} found something.`, todo);
say("type check");
await npx("tsc", ["-p", "."], "The lines above name the places.");
say("lint");
await npx("biome", ["check", "--error-on-warnings"], "`npx biome check --write` mends what it can.");
say("tests");
await npx("vitest", ["run", ...process.argv.slice(2)], "`npx vitest run FILE` runs one file again.");
