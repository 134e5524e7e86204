/**
 * Every error code, with the HTTP status that the API answers and the exit code of the command line. One line each, sorted by room.
 * Exit codes: 1 failed, 14 bad input (as Docker Compose), 125 the engine could not do it, 126 not executable, 127 not found (as Docker).
 */
export const errorCodes = {
  "system/command-failed": { http: 500, exit: 1 },
  "system/disk-full": { http: 507, exit: 1 },
  "system/internal": { http: 500, exit: 1 },
  "system/locked": { http: 409, exit: 1 },
  "system/missing-tool": { http: 500, exit: 1 },
  "system/not-root": { http: 403, exit: 1 },
  "system/syscall": { http: 500, exit: 1 },
  "api/bad-parameter": { http: 400, exit: 125 },
  "api/conflict": { http: 409, exit: 125 },
  "api/forbidden": { http: 403, exit: 125 },
  "api/not-found": { http: 404, exit: 125 },
  "api/not-implemented": { http: 501, exit: 125 },
  "api/unavailable": { http: 503, exit: 125 },
  "build/base-image": { http: 404, exit: 1 },
  "build/cancelled": { http: 499, exit: 130 },
  "build/checksum": { http: 400, exit: 1 },
  "build/context": { http: 400, exit: 1 },
  "build/copy-source-missing": { http: 400, exit: 1 },
  "build/dockerfile": { http: 400, exit: 1 },
  "build/fetch-failed": { http: 502, exit: 1 },
  "build/secret-missing": { http: 400, exit: 1 },
  "build/step-failed": { http: 500, exit: 1 },
  "build/unsupported": { http: 501, exit: 1 },
  "runtime/bad-option": { http: 400, exit: 125 },
  "runtime/command-not-executable": { http: 400, exit: 126 },
  "runtime/command-not-found": { http: 400, exit: 127 },
  "runtime/start-failed": { http: 500, exit: 125 },
  "runtime/unknown-user": { http: 400, exit: 125 },
} as const satisfies Record<string, { readonly http: number; readonly exit: number }>;

export type ErrorCode = keyof typeof errorCodes;
