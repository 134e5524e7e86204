/** RLIM_INFINITY, which is more than a number of JavaScript can say. */
const noLimit = "18446744073709551615";

/**
 * An OCI document as text. `ociSpec` has the largest exact number for a limit of -1, and a document that was read back has the nearest one to
 * RLIM_INFINITY: both are written as what they mean. Inside a string a quote has a backslash before it, so only keys are met.
 */
export function ociJson(document: unknown): string {
  return JSON.stringify(document).replace(/(?<!\\)"(soft|hard)":(?:9007199254740991|18446744073709552000)\b/g, `"$1":${noLimit}`);
}
