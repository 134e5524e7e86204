import { MeaningError } from "./dockerfile-error.ts";

/**
 * The JSON array form of an instruction, or undefined where the text is none (then it is shell text, also when it only looks like JSON).
 * Throws Error for an array with something else than strings in it.
 */
export function jsonForm(text: string): string[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  if (parsed.some((item) => typeof item !== "string"))
    throw new MeaningError("when using JSON array syntax, arrays must be comprised of strings only");
  return parsed as string[]; // every item was looked at
}
