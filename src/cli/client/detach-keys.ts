import { BerthError } from "../../system/error.ts";

/** Docker's text form ("ctrl-p,ctrl-q", "ctrl-x,x") -> bytes. @throws BerthError cli/usage */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(
    text.split(",").map((key) => {
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
      if (control === undefined) throw new BerthError("cli/usage", `invalid detach keys (${text}): unknown character: '${key}'`);
      return control.toLowerCase().charCodeAt(0) & 0x1f;
    }),
  );
}

/** Takes what is typed, piece by piece; answers what is to be sent on, and whether the keys are now complete. Keys that only began are held back. */
export function detachFilter(keys: Buffer): (chunk: Buffer) => { readonly send: Buffer; readonly detached: boolean } {
  let matched = 0;
  return (chunk) => {
    const send: number[] = [];
    for (const byte of chunk) {
      if (byte !== keys[matched] && matched > 0) {
        send.push(...keys.subarray(0, matched));
        matched = 0;
      }
      if (byte === keys[matched]) matched += 1;
      else send.push(byte);
      if (keys.length > 0 && matched === keys.length) return { send: Buffer.from(send), detached: true };
    }
    return { send: Buffer.from(send), detached: false };
  };
}
