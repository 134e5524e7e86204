import { existsSync, readdirSync, readFileSync } from "node:fs";
import { processState } from "./process-state.ts";
import { syscalls } from "./syscalls.ts";

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;
/** A child of our own is waited for within a few turns of the event loop; what has ended and is still there after this is nobody's. */
const patienceMs = 1000;
const tasks = "/proc/self/task";

/**
 * Makes this process the parent of its descendants' orphans (prctl(2), PR_SET_CHILD_SUBREAPER) and waits for those that end. Else that is left to the first
 * process of the machine, which in many containers is a program that waits for none: monitors would stay as zombies, and a zombie inside a container's process
 * namespace, as a killed `exec` leaves one, keeps the whole namespace from ending. Does nothing on a kernel that does not list children (proc(5)).
 */
export function adoptOrphans(): void {
  if (!existsSync(`${tasks}/${process.pid}/children`)) return;
  const { libc, fail } = syscalls();
  if (Number(libc("int prctl(int option, ulong a, ulong b, ulong c, ulong d)")(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) < 0)
    fail("become a subreaper");
  let seen = new Set<number>();
  let waiting = false;
  const look = () => {
    waiting = false;
    const ended = children().filter((pid) => processState(pid) === "Z");
    for (const pid of ended) if (seen.has(pid)) libc("int waitpid(int pid, _Out_ int *status, int flags)")(pid, [0], WNOHANG);
    seen = new Set(ended.filter((pid) => !seen.has(pid)));
    if (seen.size > 0) later();
  };
  const later = () => {
    if (waiting) return;
    waiting = true;
    setTimeout(look, patienceMs).unref();
  };
  process.on("SIGCHLD", later);
}

function children(): number[] {
  return readdirSync(tasks)
    .map((task) => readText(`${tasks}/${task}/children`))
    .flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

/** Empty for a thread or process that has ended meanwhile. */
function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
