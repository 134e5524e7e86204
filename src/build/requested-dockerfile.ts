import { BerthError } from "../system/index.ts";
import type { BuildRequest } from "./build-request.ts";
import type { Contexts } from "./context/contexts.ts";
import { parseCheck } from "./dockerfile/directives.ts";
import { nearest } from "./dockerfile/dockerfile-error.ts";
import { type Dockerfile, parseDockerfile } from "./dockerfile/parse-dockerfile.ts";

/** The Dockerfile of a request, with its checks as the request wants them, and the stage that is asked for. Throws BerthError build/*. */
export async function requestedDockerfile(
  contexts: Contexts,
  request: BuildRequest,
  onDockerfile?: (content: string, file: string) => void,
): Promise<{ dockerfile: Dockerfile; target: number }> {
  const { content, file } = await contexts.readDockerfile();
  onDockerfile?.(content, file);
  const dockerfile = withCheck(parseDockerfile(content, file), request);
  return { dockerfile, target: targetStage(dockerfile, request.target) };
}

/** The checks as the build argument wants them, rather than the directive of the file (linter config of frontend/dockerui). */
function withCheck(dockerfile: Dockerfile, { args }: BuildRequest): Dockerfile {
  const asked = args["BUILDKIT_DOCKERFILE_CHECK"];
  return asked ? { ...dockerfile, directives: { ...dockerfile.directives, check: parseCheck(asked, dockerfile.file) } } : dockerfile;
}

function targetStage(dockerfile: Dockerfile, target: string | undefined): number {
  if (!target) return dockerfile.stages.length - 1;
  const index = dockerfile.stages.findLastIndex((stage) => stage.from.alias === target.toLowerCase());
  if (index >= 0) return index;
  const names = dockerfile.stages.flatMap((stage) => stage.from.alias ?? []);
  const meant = nearest(target, names);
  throw new BerthError("build/dockerfile", `target stage "${target}" could not be found${meant ? ` (did you mean ${meant}?)` : ""}`, {
    place: { file: dockerfile.file },
    hint: `This Dockerfile has: ${names.join(", ") || "no named stage"}.`,
  });
}
