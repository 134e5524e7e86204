/** Go's strconv.ParseBool; undefined for what is no truth value there. */
export function parseGoBool(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}

/** What strconv.ParseBool says of a text that it refuses. */
export const goBoolFault = (text: string): string => `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
