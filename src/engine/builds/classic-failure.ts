import { BerthError, type ErrorCode, messageOf } from "../../system/index.ts";

/** A failed build as Docker's classic builder tells it. */
export interface ClassicFailure {
  readonly message: string;
  /** The exit code of the command that failed: the docker CLI exits with it. */
  readonly code?: number;
}

/** In the words that clients of the classic protocol know. `dockerfile` is the name that they asked for; `begun`: a step was told already. */
export function classicFailure(error: unknown, { dockerfile, begun }: { dockerfile: string; begun: boolean }): ClassicFailure {
  const message = messageOf(error);
  if (!(error instanceof BerthError)) return { message };
  const exit = /process ("(?:[^"\\]|\\.)*") did not complete successfully: exit code: (\d+)/.exec(message);
  if (error.code === "build/step-failed" && exit) {
    const code = Number(exit[2]);
    return { code, message: `The command '${JSON.parse(exit[1] ?? '""')}' returned a non-zero code: ${code}` };
  }
  if (error.code === "build/instruction")
    return { message: begun || message.startsWith("no build stage") ? message : `failed to parse Dockerfile: ${message}` };
  const known = wordings[error.code]?.(message, dockerfile);
  if (known !== undefined) return { message: known };
  const line = error.code === "build/dockerfile" && error.place && "line" in error.place ? error.place.line : undefined;
  return { message: begun || line === undefined ? message : `dockerfile parse error on line ${line}: ${message}` };
}

type Wording = (message: string, dockerfile: string) => string | undefined;

/** Undefined: as it is. None names a path of the engine's own, where the client's context was unpacked. */
const wordings: { readonly [C in ErrorCode]?: Wording } = {
  "build/context": (message, dockerfile) =>
    message.startsWith("failed to read dockerfile") ? `Cannot locate specified Dockerfile: ${dockerfile}` : undefined,
  "build/copy-source-missing": (message) => {
    const [, instruction, source] = /^(COPY|ADD) (.*?): "\/.*": not found: /s.exec(message) ?? [];
    return source === undefined
      ? undefined
      : `${instruction} failed: file not found in build context or excluded by .dockerignore: stat ${source}: file does not exist`;
  },
  "build/dockerfile": (message, dockerfile) => {
    if (message === "the Dockerfile cannot be empty") return `the Dockerfile (${dockerfile}) cannot be empty`;
    return message.startsWith("target stage ") ? message : undefined;
  },
};
