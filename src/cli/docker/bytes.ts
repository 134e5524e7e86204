import { UsageError } from "./usage-error.ts";

/** "64m", "1.5g", "512" -> bytes, binary units (go-units RAMInBytes). @throws UsageError in pflag's words */
export function ramBytes(text: string, flag: string): number {
  const match = /^(-?\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text.trim());
  if (!match) throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${flag}" flag: invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * 1024 ** ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase()));
}
