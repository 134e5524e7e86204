import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, posix } from "node:path";
import { BerthError } from "../system/index.ts";
import { type MountOption, parseMountOption } from "./dockerfile/mount-option.ts";
import { userOf } from "./filesystem/accounts.ts";
import { contentDigest } from "./filesystem/content-digest.ts";
import { copySelected } from "./filesystem/copy-tree.ts";
import { type Selected, SourceMissing, selectSources } from "./filesystem/select-sources.ts";
import type { SourceTree } from "./filesystem/source-tree.ts";
import { WritableRoot } from "./filesystem/writable-root.ts";
import type { Session } from "./session.ts";
import type { StageState } from "./stage-state.ts";
import type { StepMount } from "./step-runner.ts";

export interface PreparedMounts {
  /** What of the mounts belongs to the cache key: contents of binds, ids of caches and secrets, never a secret's value. */
  readonly key: unknown[];
  /** Ids of the caches that only one step may use at a time. */
  readonly exclusive: readonly string[];
  /** Makes the sources; called only when the step really runs. */
  realise(temporary: string, root: WritableRoot): Promise<{ mounts: StepMount[]; env: string[] }>;
}

export type FindTree = (from: string | undefined) => Promise<SourceTree>;

/** The `--mount` options of one RUN. */
export async function prepareMounts(
  session: Session,
  state: StageState,
  options: readonly string[],
  text: (text: string) => string,
  findTree: FindTree,
): Promise<PreparedMounts> {
  const parsed = options.map((option) => parseMountOption(option, text));
  const binds = new Map<MountOption, { tree: SourceTree; selected: Selected[] }>();
  const key: unknown[] = [];
  for (const mount of parsed) {
    if (mountTarget(state, mount, 0) === "/") throw new Error('invalid mount target "/"');
    if (mount.type !== "bind") key.push([mount.type, mount.target, mount.id, mount.sizeBytes, mount.env]);
    // A cache may start with the content of a stage or an image.
    if (mount.type !== "bind" && (mount.type !== "cache" || mount.from === undefined)) continue;
    const tree = await findTree(mount.from);
    const selected = select(tree, mount.source ?? "/");
    binds.set(mount, { tree, selected });
    key.push([
      mount.type,
      mount.target,
      mount.readOnly,
      await contentDigest(tree, selected, { exclude: [], ignoreModes: false, digests: session.digests, signal: session.signal }),
    ]);
  }
  const exclusive = parsed.flatMap((mount) =>
    mount.type === "cache" && mount.sharing !== "shared" ? [mount.id ?? posix.normalize(mount.target ?? "")] : [],
  );
  return { key, exclusive, realise: async (temporary, root) => await realise(session, state, parsed, binds, temporary, root) };
}

/** A mount without a target is on the working directory. */
function mountTarget(state: StageState, mount: MountOption, index: number): string {
  return posix.resolve(state.config.WorkingDir || "/", mount.target ?? defaultTarget(mount, index));
}

async function realise(
  session: Session,
  state: StageState,
  parsed: readonly MountOption[],
  binds: ReadonlyMap<MountOption, { tree: SourceTree; selected: Selected[] }>,
  temporary: string,
  root: WritableRoot,
): Promise<{ mounts: StepMount[]; env: string[] }> {
  const mounts: StepMount[] = [];
  const env: string[] = [];
  for (const [index, mount] of parsed.entries()) {
    const target = mountTarget(state, mount, index);
    const own = join(temporary, `mount-${index}`);
    switch (mount.type) {
      case "tmpfs":
        mounts.push({ type: "tmpfs", target, ...(mount.sizeBytes ? { sizeBytes: mount.sizeBytes } : {}) });
        break;
      case "bind": {
        // Always a copy of what .dockerignore leaves: writes to it are dropped with it.
        const { tree, selected } = binds.get(mount)!;
        mkdirSync(own, { mode: 0o755 });
        const isDirectory = selected[0]!.entry.stat.isDirectory();
        await copySelected(new WritableRoot([], own), tree, selected, isDirectory ? "/content/" : "/content", {
          exclude: [],
          signal: session.signal,
        });
        mounts.push({ type: "bind", source: join(own, "content"), target, readOnly: mount.readOnly });
        break;
      }
      case "cache":
        mounts.push({
          type: "bind",
          source: await cacheDirectory(session, state, mount, target, root, binds.get(mount)),
          target,
          readOnly: mount.readOnly,
        });
        break;
      case "secret": {
        const id = mount.id ?? basename(mount.source ?? mount.target ?? "");
        const value =
          session.request.secrets?.find((candidate) => candidate.id === id)?.value ??
          (await session.request.findSecret?.(id, session.signal));
        if (!value) {
          if (mount.required)
            throw new BerthError("build/secret-missing", `secret ${id}: not found`, {
              hint: `Give it with --secret id=${id},src=FILE, or \`secrets:\` of the service's build.`,
            });
          break;
        }
        if (mount.env !== undefined) env.push(`${mount.env}=${value.toString("utf8")}`);
        if (mount.env !== undefined && mount.target === undefined) break;
        writeFileSync(own, value, { mode: 0o400 });
        chownSync(own, mount.uid ?? 0, mount.gid ?? 0);
        chmodSync(own, mount.mode ?? 0o400);
        mounts.push({ type: "bind", source: own, target, readOnly: true });
        break;
      }
      case "ssh": {
        const id = mount.id ?? "default";
        env.push(`SSH_AUTH_SOCK=${target}`);
        const socket =
          (await session.sshAgents.socket(id)) ??
          (await session.request.findAgent?.(id, {
            uid: mount.uid ?? 0,
            gid: mount.gid ?? 0,
            mode: mount.mode ?? 0o600,
            signal: session.signal,
          }));
        if (socket === undefined) {
          if (mount.required)
            throw new BerthError("build/secret-missing", `unset ssh forward key ${id}`, {
              hint: `Give it with --ssh ${id}=SOCKET, or \`ssh:\` of the service's build.`,
            });
          break;
        }
        mounts.push({ type: "bind", source: socket, target, readOnly: false });
        break;
      }
      default:
        mount.type satisfies never;
    }
  }
  return { mounts, env };
}

function defaultTarget(mount: MountOption, index: number): string {
  if (mount.type === "ssh") return `/run/buildkit/ssh_agent.${index}`;
  return `/run/secrets/${mount.id ?? basename(mount.source ?? "")}`;
}

/** Made once per id; it belongs to the step's USER unless told otherwise. */
async function cacheDirectory(
  session: Session,
  state: StageState,
  mount: MountOption,
  target: string,
  root: WritableRoot,
  seed: { tree: SourceTree; selected: Selected[] } | undefined,
): Promise<string> {
  const own = mount.id ?? posix.normalize(target);
  // One that starts with the content of something is another cache than the empty one of that name.
  const id = seed ? `${own}:${mount.from}:${mount.source ?? "/"}` : own;
  const namespaced = session.request.cacheNamespace ? `${session.request.cacheNamespace}/${id}` : id;
  const directory = join(session.mountCacheDir, createHash("sha256").update(namespaced).digest("hex").slice(0, 32));
  if (existsSync(directory)) return directory;
  const temporary = mkdtempSync(`${directory}.new-`);
  if (seed) await copySelected(new WritableRoot([], temporary), seed.tree, seed.selected, "/", { exclude: [], signal: session.signal });
  const user = userOf(state.config.User ?? "", root);
  chownSync(temporary, mount.uid ?? user.uid, mount.gid ?? user.gid);
  chmodSync(temporary, mount.mode ?? 0o755);
  try {
    renameSync(temporary, directory);
  } catch (error) {
    // Another step made it meanwhile, and wins.
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
  return directory;
}

function select(tree: SourceTree, source: string): Selected[] {
  try {
    return selectSources(tree, source, { parents: false });
  } catch (error) {
    if (!(error instanceof SourceMissing)) throw error;
    throw new BerthError("build/copy-source-missing", `RUN --mount source ${source}: ${tree.describeMissing(error.source)}`);
  }
}

/** Mount points that only exist because of a mount do not become part of the image. */
export function hadEntries(root: WritableRoot, targets: readonly string[]): ReadonlySet<string> {
  return new Set(targets.flatMap((target) => parentsAndSelf(target)).filter((path) => root.entry(path.slice(1)) !== undefined));
}

export function parentsAndSelf(target: string): string[] {
  const parts = target.split("/").filter(Boolean);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

export function isEmptyEntry(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  return stat.isDirectory() ? readdirSync(path).length === 0 : stat.isFile() && stat.size === 0;
}
