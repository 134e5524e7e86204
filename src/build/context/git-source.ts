import { join, resolve } from "node:path";
import { BerthError, messageOf, run } from "../../system/index.ts";

export function isGitUrl(text: string): boolean {
  return /^(git:\/\/|git@|ssh:\/\/)/.test(text) || /^https?:\/\/[^#?]*\.git([#?]|$)/.test(text) || text.startsWith("github.com/");
}

export interface GitSource {
  readonly url: string;
  readonly ref: string;
  readonly subdirectory: string;
}

/** `URL#ref:directory`, or the newer `URL?ref=...&subdir=...`. */
function parseGitUrl(text: string): GitSource {
  const [before = "", fragment = ""] = text.split("#", 2);
  const [base = "", query = ""] = before.split("?", 2);
  const options = new URLSearchParams(query);
  const colon = fragment.indexOf(":");
  const ref = options.get("ref") ?? options.get("tag") ?? options.get("branch") ?? (colon < 0 ? fragment : fragment.slice(0, colon));
  const subdirectory = options.get("subdir") ?? (colon < 0 ? "" : fragment.slice(colon + 1));
  return { url: base.startsWith("github.com/") ? `https://${base}` : base, ref, subdirectory };
}

/** Fetches one revision, without history, and its submodules. Resolves to the directory that was meant. */
export async function cloneGit(
  text: string,
  directory: string,
  signal: AbortSignal,
  o: { keepGitDir?: boolean; checksum?: string } = {},
): Promise<string> {
  const { url, ref, subdirectory } = parseGitUrl(text);
  const git = (...args: string[]) =>
    run("git", ["-C", directory, ...args], {
      signal,
      timeoutMs: 600_000,
      env: { GIT_TERMINAL_PROMPT: "0", ...(process.env["SSH_AUTH_SOCK"] ? { SSH_AUTH_SOCK: process.env["SSH_AUTH_SOCK"] } : {}) },
    });
  try {
    await git("init", "-q");
    await git("fetch", "-q", "--depth=1", "--", url, ref || "HEAD").catch(async () => {
      // A server that refuses to hand out a bare commit, or is a plain web server: take everything.
      await git("fetch", "-q", "--tags", "--", url, "+refs/heads/*:refs/remotes/origin/*", "+HEAD:refs/berth/head");
      const names = ref ? [`refs/remotes/origin/${ref}`, ref] : ["refs/berth/head"];
      const found = await Promise.all(names.map((name) => git("rev-parse", "-q", "--verify", `${name}^{commit}`).catch(() => undefined)));
      const commit = found.find((answer) => answer !== undefined)?.stdout.trim();
      if (commit === undefined) throw new Error(`there is no revision "${ref}"`);
      await git("update-ref", "FETCH_HEAD", commit);
    });
    await git("checkout", "-q", "FETCH_HEAD");
    await git("submodule", "update", "-q", "--init", "--recursive", "--depth=1");
    const commit = (await git("rev-parse", "HEAD")).stdout.trim();
    if (o.checksum && !commit.startsWith(o.checksum))
      throw new BerthError("build/checksum", `${url}: expected commit ${o.checksum}, got ${commit}`);
    if (!o.keepGitDir) await run("rm", ["-rf", "--", join(directory, ".git")], { signal });
  } catch (error) {
    if (error instanceof BerthError && error.code === "build/checksum") throw error;
    throw new BerthError("build/fetch-failed", `cannot fetch ${url}${ref ? ` at ${ref}` : ""}: ${messageOf(error)}`, { cause: error });
  }
  const meant = resolve(directory, subdirectory.replace(/^\/+/, ""));
  if (meant !== directory && !meant.startsWith(`${directory}/`))
    throw new BerthError("build/context", `${subdirectory} leaves the repository`);
  return meant;
}
