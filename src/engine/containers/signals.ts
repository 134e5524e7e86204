import { constants } from "node:os";
import { BerthError } from "../../system/index.ts";

/** "SIGTERM", "TERM", "15", "SIGRTMIN+3" -> 15. @throws BerthError api/bad-parameter */
export function signalNumber(text: string | number): number {
  const word = String(text).toUpperCase().replace(/^SIG/, "");
  if (/^\d+$/.test(word) && Number(word) > 0) {
    if (Number(word) > 64) throw new BerthError("api/bad-parameter", `the linux daemon does not support signal ${word}`);
    return Number(word);
  }
  const realtime = /^RTMIN(?:\+(\d+))?$/.exec(word);
  if (realtime && Number(realtime[1] ?? 0) <= 30) return 34 + Number(realtime[1] ?? 0);
  const number = (constants.signals as Record<string, number>)[`SIG${word}`]; // names are this table's own keys
  if (number === undefined) throw new BerthError("api/bad-parameter", `invalid signal: ${text}`);
  return number;
}
