import type { BuildRequest } from "./build-request.ts";
import type { Dockerfile } from "./dockerfile/parse-dockerfile.ts";
import { expand } from "./dockerfile/word-expansion.ts";
import { describePlatform, parsePlatform } from "./platform.ts";

/** The variables that FROM sees: platform arguments, and the ARGs before the first FROM with what the caller gave for them. */
export function globalArgs(dockerfile: Dockerfile, request: BuildRequest): ReadonlyMap<string, string> {
  const values = new Map<string, string>([
    ...describePlatform(request.platform ? parsePlatform(request.platform) : undefined),
    ["TARGETSTAGE", request.target || dockerfile.stages.at(-1)?.from.alias || "default"],
  ]);
  for (const { args } of dockerfile.globalArgs) {
    for (const arg of args) {
      const given = Object.hasOwn(request.args, arg.name) ? (request.args[arg.name] ?? process.env[arg.name]) : undefined;
      const value =
        given ??
        (arg.default === undefined ? undefined : expand(arg.default, (name) => values.get(name), dockerfile.directives.escape).text);
      if (value !== undefined) values.set(arg.name, value);
    }
  }
  return values;
}
