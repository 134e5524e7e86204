import { BerthError, type ErrorCode } from "../../system/index.ts";

/** Where an instruction stands. */
export interface Position {
  readonly file: string;
  readonly line: number;
}

/** What is wrong with an instruction is not its form but what it says: `build/instruction`, not `build/dockerfile`. */
export class MeaningError extends Error {}

export function dockerfileError(position: Position, message: string, hint?: string, code: ErrorCode = "build/dockerfile"): BerthError {
  return new BerthError(code, message, { place: { file: position.file, line: position.line }, ...(hint ? { hint } : {}) });
}

/** The candidate nearest to a mistyped word, for "did you mean": two letters may be wrong (util/suggest of BuildKit). */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance > 0 && best.distance < 3 ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
