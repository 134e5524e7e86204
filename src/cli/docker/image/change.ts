import { command, many } from "../command.ts";
import { forEachArgument } from "../each.ts";
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
      const gone = await call.engine.json<{ Untagged?: string; Deleted?: string }[]>("DELETE", `/images/${name}`, { query });
      return gone.map((one) => (one.Deleted ? `Deleted: ${one.Deleted}` : `Untagged: ${one.Untagged}`)).join("\n");
    }),
});

export const tag = command({
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  arity: [2, 2],
  run: async ({ engine, args: [source = "", target = ""] }) => {
    const at = target.lastIndexOf(":");
    const hasTag = at > target.lastIndexOf("/");
    const query = { repo: hasTag ? target.slice(0, at) : target, tag: hasTag ? target.slice(at + 1) : "latest" };
    await engine.json("POST", `/images/${source}/tag`, { query });
  },
});
