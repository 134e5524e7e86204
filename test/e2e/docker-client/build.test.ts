import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Berth, installedBerth } from "../../support/berth.ts";
import { busyboxArchive, tarArchive } from "../../support/busybox-image.ts";

let berth: Berth;
let context: string;

/** The real docker client, with its classic builder, on our socket. */
const docker = (...args: string[]) => dockerWith({}, ...args);

const dockerWith = (o: { input?: string | Buffer }, ...args: string[]) =>
  execa("docker", args, {
    ...o,
    env: { PATH: berth.env["PATH"] ?? "", HOME: berth.root, DOCKER_HOST: `unix://${berth.socket}`, DOCKER_BUILDKIT: "0" },
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });

beforeAll(async () => {
  berth = await installedBerth();
  await berth.ok(["image", "load"], { input: busyboxArchive() });
  context = join(berth.root, "context");
  mkdirSync(context);
  writeFileSync(join(context, "a.txt"), "content\n");
  writeFileSync(
    join(context, "Dockerfile"),
    'FROM busybox AS base\nARG WHO=you\nCOPY a.txt /a\nRUN echo "hello $WHO"\nCMD ["cat", "/a"]\nFROM base\nRUN echo last\n',
  );
});
afterAll(async () => {
  await berth[Symbol.asyncDispose]();
});

it("builds, tags, shows each step's output, and the image runs", async () => {
  const { exitCode, stdout } = await docker("build", "-t", "made:1", "--build-arg", "WHO=me", "--label", "a=b", context);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/hello me\n[\s\S]*last\n[\s\S]*Successfully tagged made:1/);
  expect((await docker("run", "--rm", "made:1")).stdout).toBe("content");
  expect((await docker("inspect", "-f", '{{index .Config.Labels "a"}}', "made:1")).stdout).toBe("b");
});

it("takes what did not change from the cache, and builds only what the target needs", async () => {
  const args = ["build", "-q", "--build-arg", "WHO=me", "--target", "base", context];
  const [first, second] = [await docker(...args), await docker(...args)];
  expect(first.stdout).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(second.stdout).toBe(first.stdout);
  const again = await docker("build", "--build-arg", "WHO=me", "--target", "base", context);
  // Every instruction after the FROM, those without a layer too.
  expect(again.stdout.match(/---> Using cache/g)).toHaveLength(4);
  expect(again.stdout).not.toContain("last");
});

it("takes nothing from the cache where none of the images that it is to come from is here", async () => {
  const args = ["build", "--build-arg", "WHO=me", "--target", "base"];
  expect((await docker(...args, "--cache-from", "nosuch", context)).stdout).not.toContain("Using cache");
  expect((await docker(...args, "--cache-from", "nosuch", "--cache-from", "busybox", context)).stdout).toContain("Using cache");
});

it("keeps the cache when only what has a label is to go", async () => {
  const { exitCode } = await docker("system", "prune", "-f", "--filter", "label=nosuch");
  expect(exitCode).toBe(0);
  expect((await docker("build", "--build-arg", "WHO=me", "--target", "base", context)).stdout).toContain("Using cache");
});

it("tells the steps one after the other, in the classic builder's words", async () => {
  const { stdout } = await docker("build", "--no-cache", "-t", "made:1", "--label", "b=c", "--label", "a=b", context);
  const lines = stdout.split("\n").filter((line) => !line.startsWith("Sending build context"));
  const id = / ---> ([0-9a-f]{12})/.exec(stdout)?.[1] ?? "";
  expect(lines.map((line) => line.replace(/^ ---> [0-9a-f]{12}$/, " ---> id"))).toEqual([
    "Step 1/9 : FROM busybox AS base",
    " ---> id",
    "Step 2/9 : ARG WHO=you",
    " ---> id",
    "Step 3/9 : COPY a.txt /a",
    " ---> id",
    'Step 4/9 : RUN echo "hello $WHO"',
    "hello you",
    " ---> id",
    'Step 5/9 : CMD ["cat", "/a"]',
    " ---> id",
    "Step 6/9 : FROM base",
    " ---> id",
    "Step 7/9 : RUN echo last",
    "last",
    " ---> id",
    "Step 8/9 : LABEL a=b",
    " ---> id",
    "Step 9/9 : LABEL b=c",
    " ---> id",
    expect.stringMatching(/^Successfully built [0-9a-f]{12}$/),
    "Successfully tagged made:1",
  ]);
  expect((await docker("inspect", "-f", "{{.Id}}", "busybox")).stdout).toContain(id);
});

it("fails with the step's own exit code, and tags nothing", async () => {
  writeFileSync(join(context, "Failing"), "FROM busybox\nRUN echo before; exit 3\n");
  const { exitCode, stdout, stderr } = await docker("build", "-f", join(context, "Failing"), "-t", "never", context);
  expect(exitCode).toBe(3);
  expect(stdout).toContain("before");
  expect(stderr).toContain("The command '/bin/sh -c echo before; exit 3' returned a non-zero code: 3");
  expect((await docker("images", "-q", "never")).stdout).toBe("");
});

it.each([
  ["FROM busybox\nRUNN x\n", "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)"],
  ["FROM busybox\nENV A\n", "failed to parse Dockerfile: ENV must have two arguments"],
  ["RUN x\n", "no build stage in current context"],
  ["", "the Dockerfile (Wrong) cannot be empty"],
])("answers the Dockerfile %j with an error before it tells anything", async (content, message) => {
  writeFileSync(join(context, "Wrong"), content);
  const { exitCode, stdout, stderr } = await docker("build", "-f", join(context, "Wrong"), context);
  expect([exitCode, stdout.includes("Step")]).toEqual([1, false]);
  expect(stderr).toContain(`Error response from daemon: ${message}`);
});

it("says of a file that is not in the context what the classic builder says", async () => {
  writeFileSync(join(context, "Missing"), "FROM busybox\nCOPY nope /\n");
  const { stdout, stderr } = await docker("build", "-f", join(context, "Missing"), context);
  expect(stdout).toContain("Step 2/2 : COPY nope /");
  expect(stderr).toContain("COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist");
});

it("takes the Dockerfile from standard input, and of an archive everything but a Dockerfile that it ignores", async () => {
  const directory = join(berth.root, "ignoring");
  mkdirSync(directory);
  const Dockerfile = "FROM busybox\nCOPY . /x\nRUN ls -A /x\n";
  for (const [name, content] of Object.entries({ Dockerfile, ".dockerignore": "skip\nDockerfile\n", skip: "", file: "" }))
    writeFileSync(join(directory, name), content);
  const fromInput = await dockerWith({ input: Dockerfile }, "build", "--no-cache", "-f", "-", directory);
  expect(fromInput.stdout).toMatch(/: RUN ls -A \/x\n\.dockerignore\nfile\n ---/);
  const { stdout: archive } = await execa("tar", ["-C", directory, "-c", "."], { encoding: "buffer" });
  const sent = await dockerWith({ input: Buffer.from(archive) }, "build", "--no-cache", "-");
  expect(sent.stdout).toMatch(/: RUN ls -A \/x\n\.dockerignore\nfile\nskip\n/);
});

// What dockerd 28.5 answers: a status of its own where nothing was built yet.
it.each<[string, Record<string, string>, string, number, string]>([
  ["squash", { squash: "1" }, "FROM busybox", 400, "squash is only supported with experimental mode"],
  [
    "labels that are none",
    { labels: "[]" },
    "FROM busybox",
    400,
    "error reading labels: json: cannot unmarshal array into Go value of type map[string]string",
  ],
  ["a tag that is none", { t: "BAD" }, "FROM busybox", 500, "invalid reference format: repository name (library/BAD) must be lowercase"],
  ["a Dockerfile that is not there", { dockerfile: "none" }, "FROM busybox", 500, "Cannot locate specified Dockerfile: none"],
  ["a Dockerfile outside", { dockerfile: "../x" }, "FROM busybox", 500, "forbidden path outside the build context: ../x ()"],
  ["a context from nowhere", { remote: "/etc" }, "FROM busybox", 500, "remoteURL (/etc) could not be recognized as URL"],
  ["a stage that is not there", { target: "none" }, "FROM busybox", 400, 'target stage "none" could not be found'],
  ["a Dockerfile with nothing in it", {}, "", 400, "the Dockerfile (Dockerfile) cannot be empty"],
  [
    "an instruction without what it needs",
    {},
    "FROM busybox\nCOPY a\n",
    400,
    "dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined",
  ],
])("refuses %s before the stream", async (_, query, dockerfile, status, message) => {
  const answer = await new Promise<string>((resolve, reject) =>
    request(
      {
        socketPath: berth.socket,
        method: "POST",
        path: `/build?${new URLSearchParams(query)}`,
        headers: { "Content-Type": "application/x-tar" },
      },
      (response) => {
        let text = "";
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve(`${response.statusCode} ${(JSON.parse(text) as { message: string }).message}`));
      },
    )
      .on("error", reject)
      .end(tarArchive([{ name: "Dockerfile", data: dockerfile }])),
  );
  expect(answer).toBe(`${status} ${message}`);
});

it("takes a base that is here for any platform", async () => {
  const { exitCode, stdout } = await docker("build", "--platform", "linux/s390x", "--target", "base", context);
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/Successfully built [0-9a-f]{12}/)]);
});
