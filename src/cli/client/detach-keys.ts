import { detachKeyBytes } from "../../api/index.ts";
import { BerthError } from "../../system/error.ts";

/** Docker's text form ("ctrl-p,ctrl-q", "ctrl-x,x") -> bytes. @throws BerthError cli/usage */
export const parseDetachKeys = (text: string): Buffer =>
  detachKeyBytes(text, (key) => new BerthError("cli/usage", `invalid detach keys (${text}): unknown character: '${key}'`));
