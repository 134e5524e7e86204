import type { ErrorCode } from "./error-codes.ts";

/** Where something went wrong: a position in a file, or a named thing of the engine. `path` is the key path inside the file (`services.web.ports[0]`). */
export type Place =
  | {
      readonly file: string;
      readonly line?: number;
      readonly column?: number;
      readonly path?: string;
      /** The line itself, and how many characters from `column` on are meant. */
      readonly source?: { readonly text: string; readonly length: number };
    }
  | { readonly kind: "container" | "image" | "network" | "volume" | "project" | "service" | "step"; readonly name: string };

export interface ErrorDetail {
  readonly place?: Place;
  /** What the reader can do about it: one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of Berth: everything that is reported to a user is one of these. Programs decide on `code`; people read
 * `message` (which thing, what was attempted, why, in the system's own words), `place` and `hint`.
 */
export class BerthError extends Error {
  override readonly name = "BerthError";
  readonly code: ErrorCode;
  readonly place?: Place;
  readonly hint?: string;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    if (detail.place) this.place = detail.place;
    if (detail.hint !== undefined) this.hint = detail.hint;
  }
}

/** The text of any thrown value, without a class name or a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errno name (`ENOENT`) of a Node system error, also of one that a BerthError reports, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof BerthError) return errnoOf(error.cause);
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** `compose.yaml:14:9: services.web: message  [code]` and the hint on a line of its own. */
export function formatError(error: BerthError): string {
  // Where the message begins with a service or another thing, it says itself what it is about.
  const named = error.place && "kind" in error.place && /^(container|image|network|volume|project|service|step) \S+: /.test(error.message);
  const where = error.place && !named ? `${formatPlace(error.place)}: ` : "";
  const source = error.place ? markedSource(error.place) : "";
  return `${where}${error.message}  [${error.code}]${source}${error.hint ? `\n  ${error.hint}` : ""}`;
}

/** The line of the file, the place marked under it, as compilers show it; empty where the line is not known. */
export function markedSource(place: Place): string {
  if ("kind" in place || !place.source || place.line === undefined) return "";
  const number = String(place.line);
  const column = (place.column ?? 1) - 1;
  // Of a long line the part around the place is shown.
  const from = place.source.text.length > 160 ? Math.max(0, column - 60) : 0;
  const shown = place.source.text.slice(from, from + 160);
  const before = shown.slice(0, column - from).replace(/[^\t]/g, " ");
  const marks = "^".repeat(Math.max(1, Math.min(place.source.length, shown.length - (column - from))));
  return `\n  ${number} | ${shown}\n  ${" ".repeat(number.length)} | ${before}${marks}`;
}

export function formatPlace(place: Place): string {
  if ("kind" in place) return `${place.kind} ${place.name}`;
  const position = [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
  return place.path ? `${position}: ${place.path}` : position;
}
