/** What is typed, watched for the keys that let go of a terminal. */
export interface DetachWatch {
  /** Answers what is passed on, and whether the keys are complete. Keys that only began are held back until it is clear that they are not. */
  feed(data: Uint8Array): { readonly pass: Buffer; readonly detached: boolean };
}

export const usualDetachKeys = "ctrl-p,ctrl-q";

/** Docker's text form ("ctrl-p,ctrl-q", "ctrl-x,x") -> bytes. `refuse`: the error for a key that is none. */
export function detachKeyBytes(text: string, refuse: (key: string) => Error): Buffer {
  return Buffer.from(
    text.split(",").map((key) => {
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
      if (control === undefined) throw refuse(key);
      return control.toLowerCase().charCodeAt(0) & 0x1f;
    }),
  );
}

/** `keys`: at least one. */
export function detachWatch(keys: Buffer): DetachWatch {
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
