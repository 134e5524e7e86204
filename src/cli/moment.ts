import { momentMs } from "../api/index.ts";
import { BerthError } from "../system/index.ts";

/**
 * A moment as the API takes it, which clients work out: seconds since 1970. What a user writes as such is handed on as it stands.
 * @throws BerthError cli/usage
 */
export function moment(text: string | undefined, nowMs: number): string | undefined {
  if (!text || /^-?\d+(\.\d+)?$/.test(text)) return text;
  const ms = momentMs(text, nowMs);
  if (ms === undefined) throw new BerthError("cli/usage", `failed to parse value as time or duration: "${text}"`);
  return (ms / 1000).toFixed(3);
}
