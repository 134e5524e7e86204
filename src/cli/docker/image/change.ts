import { EngineError } from "../../client/index.ts";
import { type Call, command, many } from "../command.ts";
import { forEachArgument } from "../each.ts";
import { DockerExit } from "../usage-error.ts";
import { platformQuery } from "./platform.ts";

export const rm = command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Remove one or more images",
  flags: `
    -f, --force  Force removal of the image
    --no-prune  Do not delete untagged parents
    --platform strings...  Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")
  `,
  arity: [1, many],
  run: (call) =>
    forEachArgument(call, async (name) => {
      const platforms = call.flags.list("platform").map((text) => platformQuery(text) ?? "");
      const query = { force: call.flags.on("force"), noprune: call.flags.on("no-prune"), ...(platforms.length > 0 ? { platforms } : {}) };
      const gone = await removed(
        call.engine.json<{ Untagged?: string; Deleted?: string }[]>("DELETE", `/images/${encodeURI(name)}`, { query }),
        call,
      );
      return gone?.map((one) => (one.Deleted ? `Deleted: ${one.Deleted}` : `Untagged: ${one.Untagged}`)).join("\n");
    }),
});

/** With --force an image that is not there is said, and is no failure. */
async function removed<T>(answer: Promise<T[]>, { flags, printError }: Call): Promise<T[] | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (!(flags.on("force") && error instanceof EngineError && error.status === 404)) throw error;
    printError(`Error response from daemon: ${error.message}`);
    return undefined;
  }
}

export const tag = command({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  arity: [2, 2],
  run: async ({ engine, args: [source = "", target = ""] }) => {
    checkReference(target);
    const at = target.lastIndexOf(":");
    const hasTag = at > target.lastIndexOf("/");
    const query = { repo: hasTag ? target.slice(0, at) : target, tag: hasTag ? target.slice(at + 1) : "latest" };
    await engine.json("POST", `/images/${source}/tag`, { query });
  },
});

/** @throws DockerExit in the docker CLI's words */
function checkReference(target: string): void {
  const refuse = (why: string): never => {
    throw new DockerExit(1, `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${why}`);
  };
  if (target.includes("@")) throw new DockerExit(1, "refusing to create a tag with a digest reference");
  if (/^[0-9a-f]{64}$/.test(target)) refuse(`invalid repository name (${target}), cannot specify 64-byte hexadecimal strings`);
  const [, name = ""] = /^(.*?)(?::[\w][\w.-]{0,127})?$/.exec(target) ?? [];
  const path = name
    .split("/")
    .slice(/[.:]|^localhost$/.test(name.split("/")[0] ?? "") && name.includes("/") ? 1 : 0)
    .join("/");
  if (/[A-Z]/.test(path))
    refuse(`invalid reference format: repository name (${path.includes("/") ? path : `library/${path}`}) must be lowercase`);
  if (!/^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/.test(path)) refuse("invalid reference format");
}
