import type { BuildRequest } from "./build-request.ts";

/** Build arguments that nothing declared: `used` names those that something did. */
export function unknownArgs({ args }: BuildRequest, used: ReadonlySet<string>): string[] {
  return Object.keys(args).filter((name) => !used.has(name) && !/^(BUILDKIT_|SOURCE_DATE_EPOCH$)|_proxy$/i.test(name));
}

export function wantsInlineCache({ args, cacheTo }: BuildRequest): boolean {
  return cacheTo?.some(({ type }) => type === "inline") === true || /^(1|t|true)$/i.test(args["BUILDKIT_INLINE_CACHE"] ?? "");
}

/** The time that everything made gets, where the request sets one. */
export function epochOf({ sourceDateEpoch, args }: BuildRequest): string | undefined {
  const seconds = sourceDateEpoch ?? args["SOURCE_DATE_EPOCH"];
  return seconds === undefined || seconds === null || seconds === ""
    ? undefined
    : new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}
