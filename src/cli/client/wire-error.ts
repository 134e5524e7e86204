import type { WireError } from "../../api/index.ts";
import { BerthError, type ErrorDetail, type Place } from "../../system/error.ts";
import { type ErrorCode, errorCodes } from "../../system/error-codes.ts";

/** What the engine answered instead of what was asked for: its own error, with the HTTP status it came with. */
export class EngineError extends BerthError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(code, message, detail);
    this.status = status;
  }
}

/** The error of an answer's body: Berth's `{message, code, place, hint}`, Docker's `{message}`, or plain text. */
export function wireError(status: number, body: string): EngineError {
  const parsed = parseObject(body);
  const message = typeof parsed?.["message"] === "string" ? parsed["message"] : body.trim() || `the engine answered with status ${status}`;
  const code = parsed?.["code"];
  const detail: { place?: Place; hint?: string } = {};
  if (typeof parsed?.["hint"] === "string") detail.hint = parsed["hint"];
  const place = parsed?.["place"];
  if (typeof place === "object" && place !== null) detail.place = place as Place; // written by the engine from a Place
  return new EngineError(status, isErrorCode(code) ? code : codeOf(status), message, detail);
}

/** An error that comes inside a stream. */
export function wireErrorOf(error: WireError | undefined): EngineError {
  if (!error) return new EngineError(500, "system/internal", "the engine gave no reason");
  return wireError(isErrorCode(error.code) ? errorCodes[error.code].http : 500, JSON.stringify(error));
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // Not JSON: the text itself is the message.
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCodes, code);
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case 400:
      return "api/bad-parameter";
    case 403:
      return "api/forbidden";
    case 404:
      return "api/not-found";
    case 409:
      return "api/conflict";
    case 501:
      return "api/not-implemented";
    case 503:
      return "api/unavailable";
    default:
      return "system/internal";
  }
}
