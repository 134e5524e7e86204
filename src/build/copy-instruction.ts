import { chmodSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { BerthError, messageOf, run } from "../system/index.ts";
import { layerStep } from "./cached-step.ts";
import { isArchive, isPlainTar } from "./context/archive-kind.ts";
import { cloneGit, isGitUrl } from "./context/git-source.ts";
import { fetchUrl } from "./context/http-source.ts";
import type { Heredoc } from "./dockerfile/heredoc.ts";
import type { InstructionOf } from "./dockerfile/instruction.ts";
import { parseOwner } from "./filesystem/accounts.ts";
import { contentDigest } from "./filesystem/content-digest.ts";
import { copySelected } from "./filesystem/copy-tree.ts";
import { parseMode } from "./filesystem/file-mode.ts";
import { MergedTree } from "./filesystem/merged-tree.ts";
import { type Selected, SourceMissing, selectSources } from "./filesystem/select-sources.ts";
import type { SourceTree } from "./filesystem/source-tree.ts";
import { WritableRoot } from "./filesystem/writable-root.ts";
import type { ExpandText } from "./metadata-instructions.ts";
import type { Vertex } from "./progress.ts";
import type { Session } from "./session.ts";
import { type StageState, stepKey } from "./stage-state.ts";

interface Group {
  readonly tree: SourceTree;
  readonly selected: Selected[];
  /** What the group's content is, where it is known without reading it again. */
  readonly digest?: string;
}

/** COPY and ADD: selects, looks the content up in the cache, and writes the layer without starting anything. */
export async function copyStep(
  session: Session,
  vertex: Vertex,
  state: StageState,
  instruction: InstructionOf<"COPY"> | InstructionOf<"ADD">,
  o: {
    text: ExpandText;
    tree: () => Promise<SourceTree>;
    /** The id of the layers that the sources are in, where that is known. */
    source: string | undefined;
    useCache: boolean;
    warn: (message: string) => void;
  },
): Promise<StageState> {
  const { text } = o;
  const sources = instruction.sources.map((source) => text(source));
  const destination = text(instruction.destination);
  const chown = instruction.chown === undefined ? undefined : text(instruction.chown);
  const chmod = instruction.chmod === undefined ? undefined : text(instruction.chmod);
  const exclude = instruction.exclude.map((pattern) => text(pattern));
  const mode = chmod ? parseMode(chmod) : undefined;
  const target = /^\//.test(destination)
    ? destination
    : `${posix.join(state.config.WorkingDir || "/", destination)}${/(^|\/)\.?$/.test(destination) ? "/" : ""}`;
  const parent = state.layers.at(-1)?.chainId;
  const shownFlags = [chown === undefined ? "" : ` --chown=${chown}`, !chmod ? "" : ` --chmod=${chmod}`].join("");
  const shownSources = [...sources, ...instruction.heredocs.map((heredoc) => `<<${heredoc.name}`)].join(" ");
  const createdBy = `${instruction.keyword}${shownFlags} ${shownSources} ${destination} # buildkit`;
  // What is copied from layers is known by their name: then they need not be read, nor be here.
  const definition =
    o.source === undefined || instruction.heredocs.length > 0
      ? undefined
      : stepKey([
          "copy from",
          parent ?? "",
          o.source,
          instruction.parents === true,
          sources,
          target,
          chown ?? "",
          chmod ?? "",
          exclude,
          session.epochIso ?? "",
        ]);
  if (definition !== undefined && o.useCache) {
    const known = session.cache.find(definition) ?? session.imported.find(definition, parent, createdBy);
    if (known)
      return await layerStep(session, vertex, state, { key: known.key, createdBy, useCache: true }, () =>
        Promise.reject(new Error("a known step is not done")),
      );
  }
  const tree = await o.tree();
  const groups: Group[] = [];
  let complete = true;
  for (const source of sources) {
    const found = await group(session, instruction, source, tree);
    if (found.selected.length === 0) {
      complete = false;
      o.warn(`${instruction.keyword} ${source}: matches nothing: ${tree.describeMissing(source)}`);
    }
    groups.push(found);
  }
  if (instruction.heredocs.length > 0) groups.push(heredocGroup(session, instruction.heredocs, text));
  const contents = await Promise.all(
    groups.map(
      async ({ tree, selected, digest }) =>
        digest ??
        (await contentDigest(tree, selected, {
          exclude,
          ignoreModes: mode?.octal === true,
          digests: session.digests,
          signal: session.signal,
        })),
    ),
  );
  const key = stepKey([
    "copy",
    state.layers.at(-1)?.chainId ?? "",
    instruction.keyword,
    target,
    chown ?? "",
    chmod ?? "",
    exclude,
    contents,
    session.epochIso ?? "",
  ]);
  const copied = await layerStep(session, vertex, state, { key, createdBy, useCache: o.useCache }, async ({ upperDir, signal }) => {
    const root = new WritableRoot(state.lowerDirs, upperDir);
    const owner =
      chown === undefined ? undefined : parseOwner(chown, root, (message) => o.warn(`${instruction.keyword} --chown=${chown}: ${message}`));
    const maxMtimeNs = session.epochIso ? BigInt(Date.parse(session.epochIso)) * 1_000_000n : undefined;
    const several = groups.reduce((sum, each) => sum + each.selected.length, 0) > 1;
    let warned = false;
    const warnOnce = () => {
      if (!warned) o.warn(`${instruction.keyword}: of several files only the last one stays as ${destination}: end it with a slash`);
      warned = true;
    };
    for (const { tree, selected } of groups) {
      await copySelected(root, tree, selected, target, {
        exclude,
        ...(owner ? { owner } : {}),
        ...(mode ? { mode: mode.change } : {}),
        // Made by mkdir(2) under the usual umask, and left so (BuildKit).
        ...(mode?.octal ? { directoryMode: mode.change(0, true) & 0o755 } : {}),
        ...(several ? { onOverwrite: warnOnce } : {}),
        ...(maxMtimeNs === undefined ? {} : { maxMtimeNs }),
        signal,
      });
    }
  });
  if (definition !== undefined && complete) {
    session.cache.define(key, definition);
    session.used.define(key, definition);
  }
  return copied;
}

async function group(
  session: Session,
  instruction: InstructionOf<"COPY"> | InstructionOf<"ADD">,
  source: string,
  tree: SourceTree,
): Promise<Group> {
  if (instruction.keyword === "ADD") {
    const remote = isGitUrl(source) || /^https?:\/\//.test(source);
    if (instruction.checksum !== undefined && !remote) throw new Error("checksum requires HTTP(S) or Git sources");
    if (instruction.checksum !== undefined && !isGitUrl(source) && !/^sha256:[0-9a-f]{64}$/.test(instruction.checksum))
      throw new Error(`unsupported checksum ${instruction.checksum}: it has to be sha256: and 64 hexadecimal digits`);
    if (isGitUrl(source)) return await gitGroup(session, source, instruction);
    if (/^https?:\/\//.test(source)) return await urlGroup(session, source, instruction);
  }
  let selected: Selected[];
  try {
    selected = selectSources(tree, source, { parents: instruction.parents });
  } catch (error) {
    if (!(error instanceof SourceMissing)) throw error;
    throw new BerthError(
      "build/copy-source-missing",
      `${instruction.keyword} ${source}: ${error.wildcard ? `the link ${error.source} leads nowhere` : `"/${error.source}": not found`}: ${tree.describeMissing(error.source)}`,
    );
  }
  if (instruction.keyword !== "ADD" || instruction.unpack === false) return { tree, selected };
  const archive = selected[0];
  if (selected.length === 1 && archive?.entry.stat.isFile() && isArchive(archive.entry.hostPath)) {
    const digest = await session.digests.digest(archive.entry);
    return await unpacked(session, archive.entry.hostPath, `archive:${digest}`, { tree, selected });
  }
  return { tree, selected };
}

/** The archive's content as a tree of its own, with its owners; the file itself where it turns out to be no tar. */
async function unpacked(session: Session, file: string, digest: string, otherwise: Group): Promise<Group> {
  const directory = session.contexts.temporary("add-");
  try {
    await run(
      "tar",
      ["-xpf", file, "-C", directory, "--numeric-owner", "--xattrs", "--xattrs-include=user.*", "--xattrs-include=security.capability"],
      { signal: session.signal, timeoutMs: 600_000 },
    );
    // Compressed, but no archive: a file like any other.
    if (readdirSync(directory).length === 0) return otherwise;
  } catch (error) {
    session.signal.throwIfAborted();
    if (isPlainTar(file)) throw new BerthError("build/context", `cannot unpack ${file}: ${messageOf(error)}`, { cause: error });
    return otherwise;
  }
  const tree = new MergedTree([directory], "the archive");
  return { tree, selected: [{ entry: tree.entry("")!, name: "", parents: "" }], digest };
}

async function gitGroup(session: Session, source: string, instruction: InstructionOf<"ADD">): Promise<Group> {
  const directory = await cloneGit(source, session.contexts.temporary("git-"), session.signal, {
    keepGitDir: instruction.keepGitDir === true,
    ...(instruction.checksum ? { checksum: instruction.checksum } : {}),
  });
  const tree = new MergedTree([directory], source);
  return { tree, selected: [{ entry: tree.entry("")!, name: "", parents: "" }] };
}

async function urlGroup(session: Session, url: string, instruction: InstructionOf<"ADD">): Promise<Group> {
  const directory = session.contexts.temporary("url-");
  const fetched = await fetchUrl(url, directory, session.signal);
  session.materials.url(url, fetched.sha256);
  const expected = instruction.checksum?.replace(/^sha256:/, "");
  if (expected && expected !== fetched.sha256)
    throw new BerthError("build/checksum", `digest mismatch sha256:${fetched.sha256}: sha256:${expected}`);
  chmodSync(fetched.file, 0o600);
  const modified = (fetched.lastModifiedMs ?? 0) / 1000;
  utimesSync(fetched.file, modified, modified);
  const tree = new MergedTree([directory], url);
  const group = {
    tree,
    selected: [{ entry: tree.entry("content")!, name: fetched.name || "__unnamed__", parents: "" }],
    digest: `url:${fetched.name}:${fetched.sha256}:${modified}`,
  };
  return instruction.unpack ? await unpacked(session, fetched.file, `archive:${fetched.sha256}`, group) : group;
}

function heredocGroup(session: Session, heredocs: readonly Heredoc[], text: ExpandText): Group {
  const directory = session.contexts.temporary("heredoc-");
  mkdirSync(directory, { recursive: true });
  for (const heredoc of heredocs) {
    // Quotes are content in a heredoc; variables and backslashes count.
    const content = heredoc.expand
      ? text(heredoc.content.replace(/\\[\s\S]|["']/g, (found) => (found.length > 1 ? found : `\\${found}`)))
      : heredoc.content;
    const file = join(directory, heredoc.name);
    writeFileSync(file, content);
    chmodSync(file, 0o644);
    utimesSync(file, 0, 0);
  }
  const tree = new MergedTree([directory], "the heredocs");
  return { tree, selected: heredocs.map((heredoc) => ({ entry: tree.entry(heredoc.name)!, name: heredoc.name, parents: "" })) };
}
