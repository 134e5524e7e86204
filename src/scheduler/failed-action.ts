import { BerthError, messageOf } from "../system/index.ts";

/** `service web: cannot be started: the reason`; the cause's code, place and hint are kept. */
export function failedAction(service: string, attempt: string, error: unknown, more?: string): BerthError {
  const cause = error instanceof BerthError ? error : undefined;
  const hint = [cause?.hint, more].filter(Boolean).join("\n");
  return new BerthError(cause?.code ?? "scheduler/action-failed", `service ${service}: ${attempt}: ${messageOf(error)}`, {
    place: cause?.place && "file" in cause.place ? cause.place : { kind: "service", name: service },
    ...(hint ? { hint } : {}),
    cause: error,
  });
}
