import { type Call, command } from "../command.ts";
import { type JsonMessage, showProgress } from "../json-progress.ts";
import { authHeader, registryOf } from "../registry/auth-header.ts";
import { DockerExit } from "../usage-error.ts";
import { platformQuery } from "./platform.ts";

export const pull = command({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  about: "Download an image from a registry",
  flags: `
    -a, --all-tags  Download all tagged images in the repository
    --disable-content-trust  Skip image verification (default true)
    --platform string  Set platform if server is multi-platform capable
    -q, --quiet  Suppress verbose output
  `,
  arity: [1, 1],
  run: async (call) => {
    const [given = ""] = call.args;
    const { name, tag } = splitName(given);
    const all = call.flags.on("all-tags");
    if (all && tag !== undefined) throw new DockerExit(1, "tag can't be used with --all-tags/-a");
    if (!all && tag === undefined && !call.flags.on("quiet")) call.print("Using default tag: latest");
    const query = { fromImage: name, tag: all ? undefined : (tag ?? "latest"), platform: call.flags.text("platform") };
    await transfer(call, "/images/create", given, query);
    call.print(fullName(name, all ? undefined : (tag ?? "latest")));
  },
});

export const push = command({
  usage: "[OPTIONS] NAME[:TAG]",
  about: "Upload an image to a registry",
  flags: `
    -a, --all-tags  Push all tags of an image to the repository
    --disable-content-trust  Skip image signing (default true)
    --platform string  Push a platform-specific manifest as a single-platform image to the registry.\\nImage index won't be pushed, meaning that other manifests, including attestations won't be preserved.\\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)
    -q, --quiet  Suppress verbose output
  `,
  arity: [1, 1],
  run: async (call) => {
    const [given = ""] = call.args;
    const { name, tag } = splitName(given);
    const all = call.flags.on("all-tags");
    if (all && tag !== undefined) throw new DockerExit(1, "tag can't be used with --all-tags/-a");
    if (!all && tag === undefined && !call.flags.on("quiet")) call.print("Using default tag: latest");
    const platform = platformQuery(call.flags.text("platform"));
    await transfer(call, `/images/${name}/push`, given, { tag: all ? undefined : (tag ?? "latest"), platform });
    if (call.flags.on("quiet")) call.print(fullName(name, all ? undefined : (tag ?? "latest")));
  },
});

/** Fetches an image on the way to something else. */
export async function pullImage(call: Call, image: string): Promise<void> {
  const { name, tag } = splitName(image);
  await transfer(call, "/images/create", image, { fromImage: name, tag: tag ?? "latest", platform: call.flags.text("platform") });
}

/** "busybox" -> "busybox:latest". */
export function taggedName(image: string): string {
  return splitName(image).tag === undefined ? `${image}:latest` : image;
}

async function transfer(call: Call, path: string, ref: string, query: Record<string, string | undefined>): Promise<void> {
  const headers = await authHeader(call, ref);
  const lines = call.engine.lines<JsonMessage>("POST", path, { query, headers, signal: call.signal });
  const quiet = call.flags.on("quiet");
  await showProgress(lines, quiet ? silent(call.stdout) : call.stdout);
}

/** A stream that is never a terminal and swallows what is shown. */
function silent(output: Call["stdout"]): Call["stdout"] {
  return Object.assign(Object.create(output) as Call["stdout"], { isTTY: false, write: () => true }); // only `write` is used
}

function splitName(text: string): { name: string; tag?: string } {
  const digest = text.indexOf("@");
  if (digest >= 0) return { name: text.slice(0, digest).replace(/:[^/:]+$/, ""), tag: text.slice(digest + 1) };
  const at = text.lastIndexOf(":");
  return at > text.lastIndexOf("/") ? { name: text.slice(0, at), tag: text.slice(at + 1) } : { name: text };
}

/** "docker.io/library/busybox:latest": what Docker prints last. */
function fullName(name: string, tag: string | undefined): string {
  const domain = registryOf(name);
  const path = name.startsWith(`${domain}/`) ? name.slice(domain.length + 1) : name;
  const whole = `${domain}/${domain === "docker.io" && !path.includes("/") ? "library/" : ""}${path}`;
  return tag === undefined ? whole : `${whole}${tag.startsWith("sha256:") ? "@" : ":"}${tag}`;
}
