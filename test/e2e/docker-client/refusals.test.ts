import { request } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";

let berth: Berth;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["docker", "version"]);
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

/** "400 message" of one raw request. */
function answer(method: string, path: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    request({ socketPath: berth.socket, method, path, headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve(`${response.statusCode} ${(JSON.parse(text) as { message: string }).message}`));
    })
      .on("error", reject)
      .end(body);
  });
}

// What dockerd 28.5 answers to the same requests.
it.each([
  ["POST", "/v1.51/containers/create", "{", "400 invalid JSON: unexpected EOF"],
  ["POST", "/v1.51/containers/create", '{"Image":"busy', "400 invalid JSON: unexpected EOF"],
  ["POST", "/v1.51/containers/create", '{"Image":"busybox"} more', "400 unexpected content after JSON"],
  ["POST", "/v1.51/containers/create", "{}", "400 config cannot be empty in order to create a container"],
  ["POST", "/v1.51/containers/none/exec", "{}", "400 No exec command specified"],
  ["POST", "/v1.51/containers/none/exec", '{"Cmd":["true"]}', "404 No such container: none"],
  ["GET", "/v1.51/system/df?type=foo", undefined, "400 unknown object type: foo"],
  ["POST", "/v1.51/info", "{}", "404 page not found"],
  ["GET", "/v1.51.1/version", undefined, "400 client version 1.51.1 is too new. Maximum supported API version is 1.51"],
  ["GET", "/v9.9/version", undefined, "400 client version 9.9 is too new. Maximum supported API version is 1.51"],
  [
    "GET",
    "/v1/version",
    undefined,
    "400 client version 1 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
  ],
])("answers %s %s %s as Docker does", async (method, path, body, expected) => {
  expect(await answer(method, path, body)).toBe(expected);
});
