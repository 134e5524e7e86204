import { UsageError } from "./usage-error.ts";

/** "64m", "1.5g", "512" -> bytes, binary units (go-units RAMInBytes). @throws UsageError in pflag's words */
export function ramBytes(text: string, flag: string): number {
  const wrong = bytesProblem(text);
  const match = /^\+?(\d+\.?\d*|\.\d+) ?([kmgtp]?)i?b?$/i.exec(text);
  if (wrong !== undefined || !match) throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${flag}" flag: ${wrong}`);
  return Math.floor(Number(match[1]) * 1024 ** ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase()));
}

/** What go-units finds wrong with a size: no number, one below zero, or a suffix that it does not know. */
export function bytesProblem(text: string): string | undefined {
  const at = Math.max(...[..."0123456789. "].map((one) => text.lastIndexOf(one)));
  const number = (text[at] === " " ? text.slice(0, at) : text.slice(0, at + 1)).trimEnd();
  if (at < 0 || number.startsWith("-")) return `invalid size: '${text}'`;
  if (!/^\+?(\d+\.?\d*|\.\d+)$/.test(number)) return `strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`;
  const suffix = text.slice(at + 1);
  return /^([kmgtp](i?b)?|b)?$/i.test(suffix) ? undefined : `invalid suffix: '${suffix}'`;
}
