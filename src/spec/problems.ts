import { BerthError, type Place } from "../system/error.ts";
import type { ErrorCode } from "../system/error-codes.ts";
import type { Origin } from "./yaml/source.ts";
import { type Path, pathText } from "./yaml/tree.ts";

/** Something worth saying that stops nothing. */
export interface SpecWarning {
  readonly message: string;
  readonly place?: Place;
  readonly hint?: string;
}

/** Where a problem is: the part of a file, and the path of keys inside it. */
export interface Where {
  readonly origin?: Origin | undefined;
  readonly path?: Path;
}

type SpecCode = Extract<ErrorCode, `spec/${string}`>;

/** Collects the errors and warnings of one load, so that a file's errors are all shown at once. */
export class Problems {
  readonly #errors: BerthError[] = [];
  readonly #warnings = new Map<string, SpecWarning>();
  readonly #failed = new Set<Origin>();

  /** One part of a file is wrong once: what else is found there follows from it. */
  error(code: SpecCode, message: string, where: Where = {}, hint?: string, cause?: unknown): void {
    if (where.origin) {
      if (this.#failed.has(where.origin)) return;
      this.#failed.add(where.origin);
    }
    const place = placeOf(where);
    this.#errors.push(new BerthError(code, message, { ...(place ? { place } : {}), ...(hint === undefined ? {} : { hint }), cause }));
  }

  /** An error that was made elsewhere, with a place of its own. */
  add(error: BerthError): void {
    this.#errors.push(error);
  }

  /** The same warning about the same place is said once. */
  warn(message: string, where: Where = {}, hint?: string): void {
    const place = placeOf(where);
    const key = `${place && "file" in place ? `${place.file}:${place.line}:${place.column}` : ""} ${message}`;
    if (this.#warnings.has(key)) return;
    this.#warnings.set(key, { message, ...(place ? { place } : {}), ...(hint === undefined ? {} : { hint }) });
  }

  get warnings(): readonly SpecWarning[] {
    return [...this.#warnings.values()];
  }

  get any(): boolean {
    return this.#errors.length > 0;
  }

  /** Whether this part of a file was already found to be wrong, so that what follows from it is not reported too. */
  isKnown(origin: Origin | undefined): boolean {
    return origin !== undefined && this.#failed.has(origin);
  }

  /** @throws BerthError, or an AggregateError of several, in the order of the file */
  throwIfAny(): void {
    const [first, ...more] = this.#errors;
    if (!first) return;
    if (more.length === 0) throw first;
    const ordered = [...this.#errors].sort(byPlace);
    throw new AggregateError(ordered, `${ordered.length} errors in the project's files`);
  }
}

export function placeOf({ origin, path }: Where): Place | undefined {
  const inside = path && path.length > 0 ? { path: pathText(path) } : {};
  if (!origin) return undefined;
  const { line, column } = origin.source.position(origin.start);
  const end = Math.min(origin.end, origin.source.text.indexOf("\n", origin.start) >>> 0);
  return {
    file: origin.source.file,
    line,
    column,
    ...inside,
    source: { text: origin.source.line(line), length: Math.max(1, end - origin.start) },
  };
}

function byPlace(one: BerthError, other: BerthError): number {
  const [a, b] = [one.place, other.place];
  if (!a || !b || !("file" in a) || !("file" in b) || a.file !== b.file) return 0;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
