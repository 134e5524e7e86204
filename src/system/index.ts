/**
 * The only room that touches the operating system by hand: spawning programs, system calls, atomic files, locks, and what is known of this host.
 * It imports no other room.
 */
export { readJsonFile, writeFileAtomic } from "./atomic-file.ts";
export { BufferGarbage } from "./buffer-garbage.ts";
export {
  credentialKeys,
  eraseCredentials,
  type RegistryAuth,
  registriesWithCredentials,
  storeCredentials,
  storedCredentials,
} from "./docker-credentials.ts";
export { drained } from "./drained.ts";
export { BerthError, type ErrorDetail, errnoOf, formatError, formatPlace, messageOf, type Place } from "./error.ts";
export { type ErrorCode, errorCodes } from "./error-codes.ts";
export { fileSystemMagic } from "./file-system-magic.ts";
export { capabilityNames, describeHost, type Host } from "./host.ts";
export { hasHungUp } from "./hung-up.ts";
export { type FileLock, lockFile } from "./lock.ts";
export { memoryNodes } from "./memory-nodes.ts";
export { attribute, type NetlinkMessage, NetlinkSocket, netlinkFamily, uint32 } from "./netlink.ts";
export { openInRoot } from "./open-in-root.ts";
export { type Confinement, O_PATH, openInside } from "./open-inside.ts";
export { adoptOrphans } from "./orphans.ts";
export { withLowerDirs } from "./overlay.ts";
export { libcPath, nodePath } from "./path-bytes.ts";
export { type BerthPaths, berthPaths } from "./paths.ts";
export { hasEnded } from "./process-state.ts";
export { removeSoon, sweepRemoved } from "./remove-soon.ts";
export { removeTree } from "./remove-tree.ts";
export { type RunOptions, type RunResult, reaped, run } from "./run.ts";
export { SealedProgram } from "./sealed-program.ts";
export { sleep } from "./sleep.ts";
export { AF, MSG, SHUT_WR, SOCK, unixAddress } from "./sockets.ts";
export { type Spawned, spawnProcess } from "./spawn.ts";
export { cloneFlag, mountFlag, type Syscalls, syscalls, umountFlag } from "./syscalls.ts";
export { isUntaken } from "./untaken.ts";
