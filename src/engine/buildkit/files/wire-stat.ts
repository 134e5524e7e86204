/** fsutil.types.Stat: one entry of a tree as it travels. `mode` is Go's os.FileMode, times are nanoseconds. */
export interface WireStat {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** As text where precision counts: it does not fit into a number. */
  readonly modTime: number | string;
  /** The target of a symbolic link; the path of the first of several hard links. */
  readonly linkname: string;
  readonly devmajor: number;
  readonly devminor: number;
  readonly xattrs: Readonly<Record<string, Uint8Array>>;
}

export const packetType = { stat: 0, request: 1, data: 2, finish: 3, error: 4 } as const;

/** fsutil.types.Packet. A stat packet without a stat ends the list. */
export interface Packet {
  readonly type: number;
  readonly stat?: WireStat | null;
  readonly ID: number;
  readonly data: Uint8Array;
}

export type EntryKind = "directory" | "symlink" | "file" | "fifo" | "socket" | "character" | "block" | "other";

/** The bits of os.FileMode (Go's io/fs), which are not the kernel's. */
const bits = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  character: 2 ** 21,
  irregular: 2 ** 19,
};
const special = [
  [2 ** 23, 0o4000],
  [2 ** 22, 0o2000],
  [2 ** 20, 0o1000],
] as const;

const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;

export function kindOf(mode: number): EntryKind {
  if (has(mode, bits.directory)) return "directory";
  if (has(mode, bits.symlink)) return "symlink";
  if (has(mode, bits.fifo)) return "fifo";
  if (has(mode, bits.socket)) return "socket";
  if (has(mode, bits.device)) return has(mode, bits.character) ? "character" : "block";
  return has(mode, bits.irregular) ? "other" : "file";
}

/** The kernel's permission bits, with set-user-id, set-group-id and sticky. */
export function permissionsOf(mode: number): number {
  return special.reduce((sum, [go, unix]) => sum + (has(mode, go) ? unix : 0), mode % 0o1000);
}

const kinds = [
  [0o040000, bits.directory],
  [0o120000, bits.symlink],
  [0o010000, bits.fifo],
  [0o140000, bits.socket],
  [0o060000, bits.device],
  [0o020000, bits.device + bits.character],
] as const;

/** st_mode as os.FileMode. */
export function goMode(unixMode: number): number {
  const kind = kinds.find(([format]) => (unixMode & 0o170000) === format)?.[1] ?? 0;
  return special.reduce((sum, [go, unix]) => sum + (unixMode & unix ? go : 0), kind + (unixMode & 0o777));
}
