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
function answer(method: string, path: string, body?: string, type = "application/json"): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": type, "Content-Length": Buffer.byteLength(body) };
    request({ socketPath: berth.socket, method, path, headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve(`${response.statusCode} ${said(text)}`));
    })
      .on("error", reject)
      .end(body);
  });
}

/** An error's message, anything else as it is. */
function said(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text.trim();
  } catch {
    return text.trim();
  }
}

const execCmd = "400 invalid JSON: json: cannot unmarshal string into Go struct field ExecOptions.Cmd of type []string";

// What dockerd 28.5 answers to the same requests.
it.each([
  ["POST", "/v1.51/containers/create", "{", "400 invalid JSON: unexpected EOF"],
  ["POST", "/v1.51/containers/create", '{"Image":"busy', "400 invalid JSON: unexpected EOF"],
  ["POST", "/v1.51/containers/create", '{"Image":"busybox"} more', "400 unexpected content after JSON"],
  ["POST", "/v1.51/containers/create", "", "400 invalid JSON: got EOF while reading request body"],
  [
    "POST",
    "/v1.51/containers/create",
    '{"HostConfig":{"Memory":"x"}}',
    "400 invalid JSON: json: cannot unmarshal string into Go struct field .HostConfig.Memory of type int64",
  ],
  ["POST", "/v1.51/containers/create", "{}", "400 config cannot be empty in order to create a container"],
  ["POST", "/v1.51/containers/none/exec", "{}", "400 No exec command specified"],
  ["POST", "/v1.51/containers/none/exec", '{"Cmd":["true"]}', "404 No such container: none"],
  ["POST", "/v1.51/containers/none/exec", '{"Cmd":"true"}', execCmd],
  ["POST", "/v1.51/containers/none/resize?h=x&w=1", undefined, '400 invalid resize height "x": invalid syntax'],
  ["POST", "/v1.51/exec/none/start", "{", "400 invalid JSON: unexpected EOF"],
  ["GET", "/v1.51/containers/json?limit=x", undefined, '500 strconv.Atoi: parsing "x": invalid syntax'],
  ["GET", '/v1.51/containers/json?filters={"name":"x"}', undefined, "400 invalid filter"],
  ["GET", '/v1.51/containers/json?filters={"foo":{"x":true}}', undefined, "400 invalid filter 'foo'"],
  ["GET", '/v1.51/containers/json?filters={"is-task":["true","false"]}', undefined, "400 invalid filter 'is-task=[true false]'"],
  ["GET", '/v1.51/containers/json?filters={"ancestor":["BAD"]}', undefined, "200 []"],
  [
    "GET",
    '/v1.51/containers/json?filters={"expose":["9-1"]}',
    undefined,
    "500 error while looking up for expose 9-1: Invalid range specified for the Port: 9-1",
  ],
  ["GET", '/v1.51/images/json?filters={"dangling":{"x":true}}', undefined, "400 invalid filter 'dangling=[x]'"],
  ["GET", '/v1.51/images/json?filters={"until":["x"]}', undefined, '500 failed to parse value as time or duration: "x"'],
  ["GET", '/v1.51/networks?filters={"type":["x"]}', undefined, "500 invalid filter: 'type'='x'"],
  ["GET", '/v1.51/networks?filters={"name":["["]}', undefined, "200 []"],
  ["GET", '/v1.51/volumes?filters={"dangling":["x"]}', undefined, "400 invalid filter 'dangling=[x]'"],
  ["GET", "/v1.51/events?since=x", undefined, '500 strconv.ParseInt: parsing "x": invalid syntax'],
  ["GET", "/v1.51/events?since=2&until=1", undefined, "400 `since` time (2) cannot be after `until` time (1)"],
  ["GET", '/v1.51/events?since=1&until=2&filters={"foo":["x"]}', undefined, "200 "],
  ["POST", '/v1.51/containers/prune?filters={"until":["x"]}', undefined, '400 failed to parse value as time or duration: "x"'],
  ["POST", '/v1.51/images/prune?filters={"until":["1","2"]}', undefined, "500 more than one until filter specified"],
  ["POST", '/v1.51/volumes/prune?filters={"all":["1","0"]}', undefined, "400 invalid filter 'all=[1 0]': only one value is expected"],
  ["POST", '/v1.51/build/prune?filters={"foo":["a"]}', undefined, "400 failed to prune build cache: invalid filter 'foo'"],
  ["GET", "/v1.51/networks/bridge?scope=swarm", undefined, "404 network bridge not found"],
  ["GET", "/v1.51/plugins/privileges?remote=vieux/sshfs", undefined, "200 []"],
  ["POST", "/v1.51/networks/none/connect", "{}", '400 invalid name or ID supplied: ""'],
  ["POST", "/v1.51/commit?repo=BAD", "{}", "400 invalid reference format: repository name (library/BAD) must be lowercase"],
  ["POST", "/v1.51/auth", "", "500 EOF"],
  ["POST", "/v1.51/images/none/tag?repo=a&tag=!", undefined, "400 invalid tag format"],
  ["POST", "/v1.51/images/none/tag?repo=sha256&tag=x", undefined, "400 refusing to create an ambiguous tag using digest algorithm as name"],
  ["POST", "/v1.51/images/create?fromImage=scratch", undefined, "403 'scratch' is a reserved name"],
  [
    "POST",
    "/v1.51/networks/create",
    '{"Name":"n","IPAM":{"Config":"x"}}',
    "400 invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.IPAM.Config of type []network.IPAMConfig",
  ],
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
  expect(await answer(method, encodeURI(path), body)).toBe(expected);
});

it("looks at the type of a body", async () => {
  expect(await answer("POST", "/v1.51/containers/create", "Image=busybox", "text/plain")).toBe(
    "400 unsupported Content-Type header (text/plain): must be 'application/json'",
  );
});

it("answers OPTIONS for every path", async () => {
  expect(await answer("OPTIONS", "/v1.51/containers/json")).toBe("200 ");
});
