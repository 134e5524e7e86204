import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive } from "../../support/busybox-image.ts";
import { EngineApi } from "../../support/engine-api.ts";

let berth: Berth;
let container: string;

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  const api = new EngineApi(berth.socket);
  container = await api.start({ Cmd: ["sleep", "1000"], HostConfig: { Init: true, Annotations: { who: "me" } } }, "one");
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the test reads what is there
  readonly body: any;
}

function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const call = request({ socketPath: berth.socket, method, path, headers }, (answer) => {
      text(answer).then((said) => {
        const type = answer.headers["content-type"];
        resolve({ status: answer.statusCode ?? 0, type, body: type === "application/json" && said ? JSON.parse(said) : said });
      }, reject);
    });
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

it("answers from 1.24 to its own version", async () => {
  expect((await ask("GET", "/v1.24/version")).status).toBe(200);
  // Before 1.24 an error was plain text.
  expect((await ask("GET", "/v1.23/version")).body).toContain("client version 1.23 is too old. Minimum supported API version is 1.24");
  expect((await ask("GET", "/v1.99/version")).body.message).toContain("client version 1.99 is too new");
});

it("shows an image as each version did", async () => {
  const listed = async (version: string) => (await ask("GET", `/v${version}/images/json`)).body[0];
  expect([await listed("1.43"), await listed("1.44")].map((image) => "VirtualSize" in image)).toEqual([true, false]);
  expect([await listed("1.42"), await listed("1.43")].map((image) => image.RepoDigests)).toEqual([null, []]);
  expect((await ask("GET", "/v1.40/images/json?filter=nosuch")).body).toEqual([]);
  const inspected = async (version: string) => (await ask("GET", `/v${version}/images/busybox/json`)).body;
  expect((await inspected("1.44")).ContainerConfig).toMatchObject({ Hostname: "", Cmd: null });
  expect(await inspected("1.45")).not.toHaveProperty("ContainerConfig");
  expect((await inspected("1.49")).Config).toMatchObject({ Hostname: "", Tty: false, Image: "" });
  expect((await inspected("1.50")).Config).not.toHaveProperty("Hostname");
});

it("tells of annotations, types of output and types of disk usage only to those who know them", async () => {
  const hostConfig = async (version: string) => (await ask("GET", `/v${version}/containers/json`)).body[0].HostConfig;
  expect([await hostConfig("1.45"), await hostConfig("1.46")].map((config) => config.Annotations)).toEqual([undefined, { who: "me" }]);
  const types = await Promise.all(
    ["1.41", "1.42"].map(async (version) => (await ask("GET", `/v${version}/containers/${container}/logs?stdout=1`)).type),
  );
  expect(types).toEqual(["application/vnd.docker.raw-stream", "application/vnd.docker.multiplexed-stream"]);
  const usage = async (version: string) => (await ask("GET", `/v${version}/system/df?type=image`)).body;
  expect((await usage("1.41")).Containers).toHaveLength(1);
  expect(await usage("1.42")).toMatchObject({ Containers: null, Volumes: null, BuildCache: null, Images: [{ Containers: 1 }] });
});

it("takes conditions of a wait since 1.30, and no configuration at a start any more", async () => {
  const { Id: id } = (await ask("POST", "/v1.51/containers/create", { Image: "busybox", Cmd: ["true"], MacAddress: "02:42:ac:11:00:99" }))
    .body;
  expect((await ask("POST", `/v1.29/containers/${id}/wait?condition=never`)).status).toBe(200);
  expect((await ask("POST", `/v1.30/containers/${id}/wait?condition=never`)).status).toBe(400);
  const refused = await ask("POST", `/v1.51/containers/${id}/start`, { Binds: ["/tmp:/x"] });
  expect(refused).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining("starting container with non-empty request body") },
  });
  expect((await ask("POST", `/v1.51/containers/${id}/start`, {})).status).toBe(204);
});

it("warns of an address for the whole container since 1.44", async () => {
  const warnings = async (version: string) =>
    (await ask("POST", `/v${version}/containers/create`, { Image: "busybox", MacAddress: "02:42:ac:11:00:98" })).body.Warnings;
  expect([await warnings("1.43"), await warnings("1.44")]).toEqual([[], [expect.stringContaining("MacAddress field is now deprecated")]]);
});
