import { Socket } from "node:net";
import { getSystemErrorName } from "node:util";
import { BerthError } from "./error.ts";
import { syscalls } from "./syscalls.ts";

export interface SpawnOptions {
  /** A name is looked up on PATH. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What the child has as its descriptors 0, 1, 2, ...: a pipe that it reads from or writes to, or /dev/null. */
  readonly stdio: readonly ("from-parent" | "to-parent" | "null")[];
  /** A session of its own: it gets no signal that a terminal sends to this process. */
  readonly newSession?: boolean;
}

export interface Spawned {
  readonly pid: number;
  /** This side of the pipes, by the child's descriptor. */
  readonly pipes: readonly (Socket | undefined)[];
  /** How it ended, or undefined while it runs. Once it answered, the pid is nobody's. */
  reap(): { exitCode: number } | { signal: number } | undefined;
}

const setSigDef = 0x04;
const setSigMask = 0x08;
const setSid = 0x80;
const O_CLOEXEC = 0o2000000;
const WNOHANG = 1;
/** Room for any libc's posix_spawn_file_actions_t, posix_spawnattr_t and sigset_t. */
const opaque = () => Buffer.alloc(512);

/**
 * Starts a program by posix_spawn(3). Node's own spawn forks: it copies the page tables of the whole engine, 3 to 4 ms of the one thread that does everything
 * here; this takes 0.2 ms, on another thread, which alone waits until the program is loaded. Signals are set back to their defaults in the child. The caller reaps.
 * @throws BerthError system/missing-tool, system/syscall
 */
export async function spawnProcess(o: SpawnOptions): Promise<Spawned> {
  const { libc } = syscalls();
  const [actions, attributes, signals] = [opaque(), opaque(), opaque()];
  const theirs: number[] = [];
  const pipes: (Socket | undefined)[] = [];
  libc("int posix_spawn_file_actions_init(uint8_t *a)")(actions);
  libc("int posix_spawnattr_init(uint8_t *a)")(attributes);
  try {
    for (const [target, kind] of o.stdio.entries()) {
      if (kind === "null") {
        libc("int posix_spawn_file_actions_addopen(uint8_t *a, int fd, const char *p, int flags, uint m)")(
          actions,
          target,
          "/dev/null",
          2,
          0,
        );
        pipes.push(undefined);
        continue;
      }
      const [reading, writing] = pipe();
      const [ours, child] = kind === "from-parent" ? [writing, reading] : [reading, writing];
      theirs.push(child);
      pipes.push(new Socket({ fd: ours, readable: kind === "to-parent", writable: kind === "from-parent", allowHalfOpen: true }));
      libc("int posix_spawn_file_actions_adddup2(uint8_t *a, int from, int to)")(actions, child, target);
    }
    if (o.cwd) libc("int posix_spawn_file_actions_addchdir_np(uint8_t *a, const char *p)")(actions, o.cwd);
    libc("int sigfillset(uint8_t *s)")(signals);
    libc("int posix_spawnattr_setsigdefault(uint8_t *a, const uint8_t *s)")(attributes, signals);
    libc("int sigemptyset(uint8_t *s)")(signals);
    libc("int posix_spawnattr_setsigmask(uint8_t *a, const uint8_t *s)")(attributes, signals);
    libc("int posix_spawnattr_setflags(uint8_t *a, short f)")(attributes, setSigDef | setSigMask | (o.newSession ? setSid : 0));
    const pid = await start(o, actions, attributes);
    return { pid, pipes, reap: () => reap(pid) };
  } catch (error) {
    for (const socket of pipes) socket?.destroy();
    throw error;
  } finally {
    for (const fd of theirs) libc("int close(int fd)")(fd);
    libc("int posix_spawn_file_actions_destroy(uint8_t *a)")(actions);
    libc("int posix_spawnattr_destroy(uint8_t *a)")(attributes);
  }
}

async function start(o: SpawnOptions, actions: Buffer, attributes: Buffer): Promise<number> {
  const pid: [number] = [0];
  const env = Object.entries(o.env).map(([key, value]) => `${key}=${value}`);
  const posixSpawn = syscalls().libcAsync(
    "int posix_spawnp(_Out_ int *pid, const char *f, uint8_t *a, uint8_t *t, const char **argv, const char **envp)",
  );
  const code = await new Promise<number>((resolve, reject) =>
    posixSpawn([pid, o.file, actions, attributes, [o.file, ...o.args, null], [...env, null]], (error, result) =>
      error ? reject(error) : resolve(Number(result)),
    ),
  );
  if (code === 0) return pid[0];
  const name = getSystemErrorName(-code);
  if (name === "ENOENT" && !o.file.includes("/"))
    throw new BerthError("system/missing-tool", `the program "${o.file}" is not installed`, {
      hint: "Run `berth doctor` to see what is missing.",
    });
  throw new BerthError("system/syscall", `start ${o.file}: ${name}`, { cause: Object.assign(new Error(name), { code: name }) });
}

function pipe(): [reading: number, writing: number] {
  const fds: [number, number] = [0, 0];
  if (Number(syscalls().libc("int pipe2(_Out_ int *fds, int flags)")(fds, O_CLOEXEC)) < 0) syscalls().fail("pipe");
  return fds;
}

/** waitpid(2): the low seven bits are the signal, the next byte the exit code. */
function reap(pid: number): ReturnType<Spawned["reap"]> {
  const status: [number] = [0];
  const found = Number(syscalls().libc("int waitpid(int pid, _Out_ int *status, int flags)")(pid, status, WNOHANG));
  if (found === 0) return undefined;
  if (found < 0) return { exitCode: -1 };
  const signal = status[0] & 0x7f;
  return signal ? { signal } : { exitCode: (status[0] >> 8) & 0xff };
}
