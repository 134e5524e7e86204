import { BerthError } from "../../system/index.ts";

const usual = "ctrl-p,ctrl-q";

/** What the client types, watched for the keys that let go of a terminal. */
export interface DetachWatch {
  /** Answers what is passed on, and whether the keys are complete. Keys that only began are held back until it is clear that they are not. */
  feed(data: Buffer): { readonly pass: Buffer; readonly detached: boolean };
}

/** Docker's text form ("ctrl-p,ctrl-q", the default; "a,ctrl-x"). @throws BerthError api/bad-parameter */
export function detachWatch(text: string | null | undefined): DetachWatch {
  const keys = parseKeys(text || usual);
  let matched = 0;
  return {
    feed: (data) => {
      const pass: number[] = [];
      for (const byte of data) {
        if (byte !== keys[matched] && matched > 0) {
          pass.push(...keys.subarray(0, matched));
          matched = 0;
        }
        if (byte === keys[matched]) matched += 1;
        else pass.push(byte);
        if (matched === keys.length) return { pass: Buffer.from(pass), detached: true };
      }
      return { pass: Buffer.from(pass), detached: false };
    },
  };
}

/** @throws BerthError in the words of an exec's creation */
export function checkExecKeys(text: string | null | undefined): void {
  try {
    if (text) parseKeys(text);
  } catch (error) {
    throw new BerthError("api/unreadable-value", `Invalid escape keys (${text}) provided`, { cause: error });
  }
}

function parseKeys(text: string): Buffer {
  return Buffer.from(
    text.split(",").map((key) => {
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
      if (control === undefined) throw new BerthError("api/bad-parameter", `Invalid detach keys (${text}) provided`);
      return control.toLowerCase().charCodeAt(0) & 0x1f;
    }),
  );
}
