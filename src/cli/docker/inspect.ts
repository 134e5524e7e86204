import { BerthError } from "../../system/error.ts";
import { EngineError } from "../client/index.ts";
import { type Call, command, type DockerCommand, many } from "./command.ts";
import { templateFormat } from "./format/format-flag.ts";
import { inGoOrder } from "./format/map-order.ts";
import { compileTemplate } from "./format/template.ts";
import { platformQuery } from "./image/platform.ts";

const paths = {
  container: (name: string) => `/containers/${encodeURIComponent(name)}/json`,
  image: (name: string) => `/images/${name}/json`,
  network: (name: string) => `/networks/${encodeURIComponent(name)}`,
  volume: (name: string) => `/volumes/${encodeURIComponent(name)}`,
} as const;
type Kind = keyof typeof paths;

export const inspect = inspecting(["container", "image", "network", "volume"], {
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  about: "Return low-level information on Docker objects",
  flags: `
    -s, --size  Display total file sizes if the type is container
    --type string  Only inspect objects of the given type
  `,
});
export const inspectContainer = inspecting(["container"], {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Display detailed information on one or more containers",
  flags: "-s, --size  Display total file sizes",
});
export const inspectImage = inspecting(["image"], {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Display detailed information on one or more images",
  flags: `--platform string  Inspect a specific platform of the multi-platform image.\\nIf the image or the server is not multi-platform capable, the command will error out if the platform does not match.\\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
});
export const inspectNetwork = inspecting(["network"], {
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  about: "Display detailed information on one or more networks",
  flags: "-v, --verbose  Verbose output for diagnostics",
});
export const inspectVolume = inspecting(["volume"], {
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  about: "Display detailed information on one or more volumes",
  flags: "",
});

function inspecting(kinds: readonly Kind[], o: { usage: string; about: string; flags: string }): DockerCommand {
  return command({
    usage: o.usage,
    about: o.about,
    flags: `
      -f, --format string  ${templateFormat}
      ${o.flags}
    `,
    arity: [1, many],
    run: (call) => inspectAll(call, kinds),
  });
}

/** What was found is printed, what was not is said, and the exit code is 1 then. */
async function inspectAll(call: Call, kinds: readonly Kind[]): Promise<number> {
  const { flags, args, print, printError } = call;
  const asked = flags.text("type");
  if (asked !== undefined && !known.includes(asked))
    throw new BerthError(
      "cli/usage",
      `unknown type: ${JSON.stringify(asked)}: must be one of ${known.map((one) => JSON.stringify(one)).join(", ")}`,
    );
  const among = asked === undefined ? kinds : kinds.filter((kind) => kind === asked);
  if (among.length === 0)
    throw new BerthError(
      "api/unavailable",
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    );
  const format = flags.text("format");
  // What is no template is said before anything is asked.
  const render = format === undefined || format === "json" ? undefined : compileTemplate(format);
  const found: unknown[] = [];
  const missing: string[] = [];
  for (const name of args) {
    const answer = await findObject(call, among, name);
    if ("object" in answer) found.push(answer.object);
    else missing.push(answer.message ?? `Error: No such object: ${name}`);
  }
  if (render) printEach(call, found, render);
  else if (format === "json") print(JSON.stringify(found));
  else print(found.length > 0 ? JSON.stringify(found, undefined, 4) : "[]");
  // With a template Docker leaves a line where nothing was found.
  if (render && found.length === 0) print("");
  for (const text of missing) printError(text);
  return missing.length > 0 ? 1 : 0;
}

/** Docker ends the line of what a template could not be run for. */
function printEach({ print }: Call, objects: readonly unknown[], render: (object: unknown) => string): void {
  for (const object of objects) {
    try {
      print(render(object));
    } catch (error) {
      print("");
      throw error;
    }
  }
}

const known = ["config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"];

/** Of one kind alone the engine's own words say what is not there. */
async function findObject(
  { engine, flags }: Call,
  kinds: readonly Kind[],
  name: string,
): Promise<{ readonly object: unknown } | { readonly message?: string }> {
  const query = {
    ...(flags.on("size") ? { size: true } : {}),
    ...(flags.on("verbose") ? { verbose: true } : {}),
    platform: platformQuery(flags.text("platform")),
  };
  for (const kind of kinds) {
    try {
      return { object: inGoOrder(await engine.json("GET", paths[kind](name), { query })) };
    } catch (error) {
      if (!(error instanceof EngineError) || error.status !== 404) throw error;
      if (kinds.length === 1) return { message: `Error response from daemon: ${error.message}` };
    }
  }
  return {};
}
