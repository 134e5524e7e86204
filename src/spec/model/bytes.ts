import { ValueError } from "./codec.ts";

const powers: Record<string, number> = { "": 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** `64m`, `1.5gb`, `512 KiB`, `1048576` in bytes; units are powers of 1024 (docker/go-units, RAMInBytes). @throws ValueError */
export function parseBytes(text: string): number {
  const match = /^(\d+\.?\d*|\.\d+)(e[-+]?\d+)? ?(?:(b)|([kmgtp])(?:i?b)?)?$/i.exec(text);
  if (!match) throw new ValueError(`"${text}" is no size, such as 64m or 1.5gb`);
  const unit = (match[3] ?? match[4] ?? "").toLowerCase();
  return Math.trunc(Number(`${match[1]}${match[2] ?? ""}`) * 1024 ** (powers[unit] ?? 0));
}
