import type { IncomingMessage } from "node:http";
import { BerthError, messageOf } from "../../system/index.ts";

const maxBody = 16 * 1024 * 1024;

/** @throws BerthError api/bad-parameter for more than a JSON body may have */
export function checkBodySize(bytes: number): void {
  if (bytes > maxBody) throw new BerthError("api/bad-parameter", "the request's body is larger than 16 MiB");
}

/** The JSON body of a request, {} where there is none. In Docker's words (its httputils.ReadJSON). @throws BerthError api/bad-parameter */
export async function jsonBody<T>(request: IncomingMessage): Promise<T> {
  checkType(request);
  return parseBody<T>(await bodyBytes(request));
}

/** The same where a body has to be there (POST /containers/create). @throws BerthError api/bad-parameter */
export async function requiredBody(request: IncomingMessage): Promise<unknown> {
  checkType(request);
  const bytes = await bodyBytes(request);
  if (bytes.toString().trim() === "") throw new BerthError("api/bad-parameter", "invalid JSON: got EOF while reading request body");
  return parseBody(bytes);
}

/** The bytes of a small body. @throws BerthError api/bad-parameter */
export async function bodyBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    checkBodySize(size);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function parseBody<T>(bytes: Buffer): T {
  if (bytes.length === 0) return {} as T; // every field of a body is optional on the wire
  const text = bytes.toString();
  try {
    return (JSON.parse(text) ?? {}) as T; // fields are checked where they are used
  } catch (error) {
    const said = messageOf(error);
    if (/after JSON/.test(said)) throw new BerthError("api/bad-parameter", "unexpected content after JSON");
    throw new BerthError("api/bad-parameter", `invalid JSON: ${jsonFault(said, text)}`);
  }
}

/** Without a body it may be missing; with one it is JSON's. */
function checkType({ headers }: IncomingMessage): void {
  const type = headers["content-type"] ?? "";
  if (type === "" && (headers["content-length"] ?? "0") === "0" && !headers["transfer-encoding"]) return;
  const [media = ""] = type.split(";");
  if (media.trim() === "") throw new BerthError("api/bad-parameter", `malformed Content-Type header (${type}): mime: no media type`);
  if (media.trim().toLowerCase() !== "application/json")
    throw new BerthError("api/bad-parameter", `unsupported Content-Type header (${type}): must be 'application/json'`);
}

/** What V8 says of a broken text, as Go says it: a body that was cut off has a word of its own. */
export function jsonFault(said: string, text: string): string {
  const isCut = /end of JSON|[Uu]nterminated|position (\d+)/.exec(said);
  const at = isCut?.[1] === undefined ? undefined : Number(isCut[1]);
  if (isCut && (at === undefined || at >= text.trimEnd().length)) return "unexpected EOF";
  const found = /token '(.)'/su.exec(said)?.[1] ?? (at === undefined ? undefined : text[at]);
  if (found === undefined) return said;
  return `invalid character '${found}' ${goPlaces.find(([pattern]) => pattern.test(said))?.[1] ?? "looking for beginning of value"}`;
}

const goPlaces: readonly (readonly [RegExp, string])[] = [
  [/double-quoted property name|property name or/, "looking for beginning of object key string"],
  [/after property value/, "after object key:value pair"],
  [/after array element/, "after array element"],
  [/after property name/, "after object key"],
  [/control character/, "in string literal"],
];
