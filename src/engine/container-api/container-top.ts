import type { Container } from "../../api/index.ts";
import type { Runtime } from "../../runtime/index.ts";
import { BerthError, run } from "../../system/index.ts";

/** `ps` of this host, cut to the container's processes. Spawns one process. @throws BerthError container/not-running, api/unreadable-value (500, as Docker answers) */
export async function processesOf(
  record: Container,
  runtime: Runtime,
  psArgs: string,
): Promise<{ Titles: string[]; Processes: string[][] }> {
  if (!record.State.Running) throw new BerthError("container/not-running", `container ${record.Id} is not running`);
  if (record.State.Restarting)
    throw new BerthError("container/not-running", `Container ${record.Id} is restarting, wait until the container is running`);
  const pids = new Set(runtime.pids(record.Id));
  const { stdout, stderr, exitCode } = await run("ps", psArgs.split(/\s+/).filter(Boolean), { accept: [0, 1] });
  if (exitCode !== 0) throw new BerthError("api/unreadable-value", `ps: ${stderr.trim().split("\n")[0] ?? ""}`);
  const [head = "", ...lines] = stdout.trimEnd().split("\n");
  const titles = head.trim().split(/\s+/);
  const pidAt = titles.indexOf("PID");
  if (pidAt < 0) throw new BerthError("api/unreadable-value", "Couldn't find PID field in ps output");
  const rows = lines.map((line) => {
    const words = line.trim().split(/\s+/);
    return [...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(" ")];
  });
  return { Titles: titles, Processes: rows.filter((row) => pids.has(Number(row[pidAt]))) };
}
