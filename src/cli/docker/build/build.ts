import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { BuildMessage } from "../../../api/index.ts";
import { registriesWithCredentials, storedCredentials } from "../../../system/docker-credentials.ts";
import { BerthError, messageOf } from "../../../system/error.ts";
import { wantsColor } from "../../context.ts";
import { BuildProgress, progressStyle } from "../../render/build-progress.ts";
import { byteCount } from "../builder/prune.ts";
import { type Call, command } from "../command.ts";
import { encoded, wireAuth } from "../registry/auth-header.ts";
import { DockerExit, UsageError } from "../usage-error.ts";
import { buildContext } from "./context.ts";
import { failureText } from "./failure.ts";
import { buildPost } from "./options.ts";
import { type BuildOutput, buildOutputs, runOutput } from "./outputs.ts";

export const build = command({
  usage: "[OPTIONS] PATH | URL | -",
  about: "Build an image from a Dockerfile",
  flags: `
    --add-host list...  Add a custom host-to-IP mapping (format: "host:ip")
    --allow stringArray...  Allow extra privileged entitlement (e.g., "network.host", "security.insecure")
    --annotation stringArray...  Add annotation to the image
    --attest stringArray...  Attestation parameters (format: "type=sbom,generator=image")
    --build-arg stringArray...  Set build-time variables
    --build-context stringArray...  Additional build contexts (e.g., name=path)
    --builder string  Override the configured builder instance
    --cache-from stringArray...  External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")
    --cache-to stringArray...  Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")
    --call string  Set method for evaluating build ("check", "outline", "targets")
    --cgroup-parent string  Set the parent cgroup for the "RUN" instructions during build
    --check  Shorthand for "--call=check"
    --compress  (old)
    --cpu-period int  (old)
    --cpu-quota int  (old)
    -c, --cpu-shares int  (old)
    --cpuset-cpus string  (old)
    --cpuset-mems string  (old)
    --disable-content-trust  (old)
    --isolation string  (old)
    -m, --memory bytes  (old)
    --memory-swap bytes  (old)
    --security-opt strings...  (old)
    --squash  (old)
    -f, --file string  Name of the Dockerfile (default: "PATH/Dockerfile")
    --force-rm  Always remove intermediate containers
    --iidfile string  Write the image ID to a file
    --label stringArray...  Set metadata for an image
    --load  Shorthand for "--output=type=docker"
    --metadata-file string  Write build result metadata to a file
    --network string  Set the networking mode for the "RUN" instructions during build (default "default")
    --no-cache  Do not use cache when building the image
    --no-cache-filter stringArray...  Do not cache specified stages
    -o, --output stringArray...  Output destination (format: "type=local,dest=path")
    --platform stringArray...  Set target platform for build
    --progress string  Set type of progress output ("auto", "none", "plain", "quiet", "rawjson", "tty")
    --provenance string  Shorthand for "--attest=type=provenance"
    --pull  Always attempt to pull all referenced images
    --push  Shorthand for "--output=type=registry,unpack=false"
    -q, --quiet  Suppress the build output and print image ID on success
    --rm  Remove intermediate containers after a successful build
    --sbom string  Shorthand for "--attest=type=sbom"
    --secret stringArray...  Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")
    --shm-size bytes  Shared memory size for build containers
    --ssh stringArray...  SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")
    -t, --tag stringArray...  Image identifier (format: "[registry/]repository[:tag]")
    --target string  Set the target build stage to build
    --ulimit ulimit...  Ulimit options
  `,
  arity: [1, 1],
  run: async (call) => {
    const scratch = mkdtempSync(join(tmpdir(), "berth-build-"));
    try {
      return await runBuild(call, scratch);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
});

async function runBuild(call: Call, scratch: string): Promise<number> {
  const { flags, cwd } = call;
  const outputs = buildOutputs(call);
  const post = {
    ...buildPost(call, { shmSize: flags.text("shm-size") === undefined ? undefined : byteCount(flags.text("shm-size") ?? "") }),
    ...(await buildContext(call, scratch)),
  };
  const names = outputs.flatMap((output) => (output.type === "image" ? output.names : []));
  const keeps = outputs.length === 0 || outputs.some((output) => output.type === "image");
  const tags = [...new Set([...(keeps || outputs.some((o) => o.type === "archive") ? (post.tags ?? []) : []), ...names])];
  const quiet = flags.on("quiet") || flags.text("progress") === "quiet" || flags.text("progress") === "none";
  const style = quiet ? "quiet" : progressStyle(styleOf(flags.text("progress") ?? call.env["BUILDKIT_PROGRESS"]), call.stderr);
  const progress = new BuildProgress({ out: call.stderr, style, color: wantsColor(call.env, call.stderr) });
  let warnings = 0;
  let result: Extract<BuildMessage, { type: "result" }> | undefined;
  try {
    const headers = { "X-Registry-Config": encoded(await registryConfig(call)) };
    const lines = call.engine.lines<BuildMessage>("POST", "/images/build", { body: { ...post, tags }, headers, signal: call.signal });
    for await (const message of lines) {
      if (message.type === "warning") warnings += 1;
      if (message.type === "result") result = message;
      else progress.event(message);
    }
  } catch (error) {
    // Its socket breaks when it is killed; why is in its log, if anywhere.
    if (call.signal.aborted || error instanceof BerthError) throw error;
    throw new DockerExit(1, `the engine ended before the build did (${messageOf(error)})`);
  } finally {
    progress.end();
  }
  if (!result) throw new DockerExit(1, "the engine ended before the build did");
  if (!result.ok) throw new DockerExit(1, failureText(result.error, post, cwd));
  const { imageId } = result;
  if (imageId === undefined) {
    // Only checked.
    call.print(
      warnings === 0
        ? "Check complete, no warnings found."
        : `Check complete, ${warnings} warning${warnings === 1 ? " has" : "s have"} been found!`,
    );
    return warnings === 0 ? 0 : 1;
  }
  await writeOutputs(call, outputs, imageId, tags);
  const dropped = !keeps && tags.length === 0 && result.isNew === true;
  if (dropped) await call.engine.json("DELETE", `/images/${imageId}`, { query: { force: true } });
  const iidFile = flags.text("iidfile");
  if (iidFile !== undefined) writeFileSync(resolve(cwd, iidFile), imageId);
  const metadataFile = flags.text("metadata-file");
  if (metadataFile !== undefined) writeFileSync(resolve(cwd, metadataFile), metadata(imageId, tags));
  if (quiet && !dropped) call.print(imageId);
  return 0;
}

async function writeOutputs(call: Call, outputs: readonly BuildOutput[], imageId: string, tags: readonly string[]): Promise<void> {
  for (const output of outputs) await runOutput(call, output, { imageId, tags });
}

/** What buildx writes for an image of Docker's own store: its id is both digests. */
function metadata(imageId: string, tags: readonly string[]): string {
  return `${JSON.stringify(
    {
      "containerimage.config.digest": imageId,
      "containerimage.digest": imageId,
      ...(tags.length > 0 ? { "image.name": tags.join(",") } : {}),
    },
    undefined,
    2,
  )}\n`;
}

function styleOf(text: string | undefined): "auto" | "tty" | "plain" | "rawjson" | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "auto" || text === "tty" || text === "plain" || text === "rawjson") return text;
  throw new UsageError(`invalid progress mode: ${text}`);
}

/** Everything that this user can log in with: base images may come from any registry. */
async function registryConfig(call: Call): Promise<Record<string, Record<string, string>>> {
  const keys = registriesWithCredentials(call.env);
  const entries = await Promise.all(
    keys.map(async (key) => {
      const auth = await storedCredentials(key, call);
      return auth ? [[key, wireAuth(auth)] as const] : [];
    }),
  );
  return Object.fromEntries(entries.flat());
}
