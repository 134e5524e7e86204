import { BerthError } from "../system/index.ts";

export interface CommandFailure {
  /** 126: it is there and cannot be executed. 127: it is not there (POSIX sh, "Exit Status for Commands"). */
  readonly exitCode: 126 | 127;
  /** `exec: "x": executable file not found in $PATH`, as clients know it. */
  readonly why: string;
}

/**
 * What crun or runc said of a container's or an exec's command, in runc's words: clients choose exit codes by them. Undefined where the command was not the fault.
 */
export function commandFailure(said: string, command: string): CommandFailure | undefined {
  const text = runtimeWords(said);
  const cwd = /chdir(?: to cwd)? [`("]+([^`"']+)[`"']/.exec(text)?.[1];
  if (cwd !== undefined) {
    const why = /[Pp]ermission denied/.test(text) ? "permission denied" : "no such file or directory";
    return { exitCode: why === "permission denied" ? 126 : 127, why: `chdir to cwd ("${cwd}") set in config.json failed: ${why}` };
  }
  const name = /executable file [`"']?([^`"']+?)[`"']? not found/.exec(text)?.[1] ?? (command || /exec: "([^"]+)"/.exec(text)?.[1] || "");
  const exec = (what: string) => `exec: ${JSON.stringify(name)}: ${what}`;
  if (/executable file .*not found|exec.*no such file or directory|open executable: No such file/i.test(text) && !/mount|bind/.test(text))
    return {
      exitCode: 127,
      why: exec(name.includes("/") ? `stat ${name}: no such file or directory` : "executable file not found in $PATH"),
    };
  if (command === "" && /exec|is a directory/i.test(text) && !/mount/.test(text))
    return { exitCode: 127, why: exec("executable file not found in $PATH") };
  if (/is a directory|open executable: Operation not permitted/i.test(text) && !/mount/.test(text))
    return { exitCode: 126, why: exec("is a directory: permission denied") };
  if (/(exec|open).*(permission denied|not executable)/i.test(text) && !/mount/.test(text))
    return { exitCode: 126, why: exec("permission denied") };
  if (/exec format error/i.test(text)) return { exitCode: 126, why: exec("exec format error") };
  return undefined;
}

/** Why a container was not started, as an engine on runc says it ("... OCI runtime create failed: ..."). */
export function startError(id: string, said: string, command = ""): BerthError {
  const place = { kind: "container", name: id.slice(0, 12) } as const;
  const wrap = (why: string) => `failed to create task for container: failed to create shim task: OCI runtime create failed: ${why}`;
  const noDirectory = /chdir(?: to cwd)? [`("]+([^`"']+)[`"'].*[Nn]ot a directory/.exec(runtimeWords(said))?.[1];
  if (noDirectory !== undefined)
    return new BerthError("runtime/start-failed", `Cannot mkdir: ${noDirectory} is not a directory`, { place });
  const failure = commandFailure(said, command);
  if (!failure) return new BerthError("runtime/start-failed", wrap(runtimeWords(said)), { place });
  return new BerthError(
    failure.exitCode === 127 ? "runtime/command-not-found" : "runtime/command-not-executable",
    wrap(`runc create failed: unable to start container process: error during container init: ${failure.why}`),
    { place, ...(failure.exitCode === 127 ? { hint: "Is the command in the image, and spelt as it is there?" } : {}) },
  );
}

/** The message without its JSON, its time and its colours. */
function runtimeWords(said: string): string {
  return said
    .split("\n")
    .map((line) => /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line)
    .join(" ")
    .replace(/\x1b\[[\d;]*m/g, "")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z:\s*/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
