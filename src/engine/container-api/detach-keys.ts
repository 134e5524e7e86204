import { type DetachWatch, detachKeyBytes, usualDetachKeys, detachWatch as watchFor } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

/** Docker's text form; its default where nothing is said. @throws BerthError api/bad-parameter */
export function detachWatch(text: string | null | undefined): DetachWatch {
  return watchFor(parseKeys(text || usualDetachKeys));
}

/** @throws BerthError in the words of an exec's creation */
export function checkExecKeys(text: string | null | undefined): void {
  try {
    if (text) parseKeys(text);
  } catch (error) {
    throw new BerthError("api/unreadable-value", `Invalid escape keys (${text}) provided`, { cause: error });
  }
}

const parseKeys = (text: string): Buffer =>
  detachKeyBytes(text, () => new BerthError("api/bad-parameter", `Invalid detach keys (${text}) provided`));
