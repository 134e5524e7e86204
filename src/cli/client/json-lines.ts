import { StringDecoder } from "node:string_decoder";

/** Objects of a stream of JSON lines as they come; characters that are cut between two chunks stay whole. */
export async function* jsonLines<T>(body: AsyncIterable<Buffer | string>): AsyncGenerator<T, void, undefined> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + (typeof chunk === "string" ? chunk : decoder.write(chunk))).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as T; // the caller names what the engine sends there
  }
  rest += decoder.end();
  if (rest.trim() !== "") yield JSON.parse(rest) as T;
}
