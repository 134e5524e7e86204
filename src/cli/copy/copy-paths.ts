import { basename, dirname, join, posix } from "node:path";
import { usageError } from "../invocation.ts";

/** What is known of one end of a copy. Undefined: nothing is there. */
export interface PathInfo {
  readonly isDirectory: boolean;
}

/** Where an archive whose entries are called `from` goes. */
export interface CopyPlan {
  /** The directory to unpack in. */
  readonly directory: string;
  /** The first component of the entries, "." for the contents of a directory. */
  readonly from: string;
  /** What that component is called there. */
  readonly to: string;
  /** The directory has to be made first. */
  readonly makeDirectory?: boolean;
}

/**
 * Docker's rules for a copy (docker container cp, "Description"): into a directory that is there, as a name that is not, over a file.
 * "/." at the source's end means what is in the directory; "/" at the destination's end that it is a directory.
 * @throws BerthError cli/usage where file and directory do not go together
 */
export function copyPlan(source: string, sourceInfo: PathInfo, destination: string, destinationInfo: PathInfo | undefined): CopyPlan {
  const contents = /(^|\/)\.$/.test(source);
  if (contents && !sourceInfo.isDirectory) throw usageError(`${source} is not a directory`);
  const from = contents ? "." : basename(source.replace(/\/+$/, "")) || "/";
  const target = destination.replace(/(?<=.)\/+\.?$/, "") || "/";
  if (destinationInfo?.isDirectory) return { directory: target, from, to: from };
  if (destinationInfo) {
    if (sourceInfo.isDirectory) throw usageError(`cannot copy a directory to the file ${destination}`);
    if (/\/\.?$/.test(destination)) throw usageError(`${destination} is not a directory`);
    return { directory: dirname(target), from, to: basename(target) };
  }
  if (!sourceInfo.isDirectory && /\/\.?$/.test(destination)) throw usageError(`no such directory: ${destination}`);
  // The contents of a directory go into a new one of the destination's name.
  if (contents) return { directory: target, from, to: ".", makeDirectory: true };
  return { directory: dirname(target), from, to: basename(target) };
}

/** "SERVICE:PATH" of a container, a path of this machine, or "-". A path with a slash or dot before its first colon is one of this machine. */
export function parseCopyArgument(text: string): { readonly service?: string; readonly path: string } {
  const at = text.indexOf(":");
  if (text === "-" || at < 1 || /^[./]/.test(text)) return { path: text };
  return { service: text.slice(0, at), path: text.slice(at + 1) };
}

/** Paths in a container start at its root. */
export const containerPath = (path: string): string =>
  path.startsWith("/") ? path : posix.join("/", path) + (/(^|\/)\.$/.test(path) && path !== "." ? "/." : "");

export const joined = (directory: string, name: string): string => (name === "." ? directory : join(directory, name));
