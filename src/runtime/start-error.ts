import { BerthError } from "../system/index.ts";

/**
 * The low-level runtime's words in the form that Docker's clients know ("OCI runtime create failed: ... executable file not found in $PATH"),
 * because they choose the exit codes 126 and 127 by them.
 */
export function startError(id: string, said: string): BerthError {
  const text = said
    .split("\n")
    .map((line) => /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line)
    .join(" ")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z:\s*/g, "")
    .replace(/\s+/g, " ")
    .trim();
  const command =
    /executable file [`"']?([^`"']+?)[`"']? not found/.exec(text)?.[1] ??
    /exec: "([^"]+)"/.exec(text)?.[1] ??
    /open executable: |open `([^`]+)`/.exec(text)?.[1] ??
    "";
  const place = { kind: "container", name: id.slice(0, 12) } as const;
  const wrap = (why: string) =>
    `failed to create task for container: failed to create shim task: OCI runtime create failed: ${why}: unknown`;
  if (/executable file .*not found|no such file or directory|No such file or directory/.test(text) && !/mount|bind/.test(text)) {
    return new BerthError("runtime/command-not-found", wrap(`exec: "${command}": executable file not found in $PATH`), {
      place,
      hint: "Is the command in the image, and spelt as it is there?",
    });
  }
  if (/[Pp]ermission denied|is a directory|not executable|Is a directory/.test(text) && !/mount/.test(text)) {
    return new BerthError("runtime/command-not-executable", wrap(`exec: "${command}": permission denied`), { place });
  }
  return new BerthError("runtime/start-failed", wrap(text), { place });
}
