import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import Dockerode from "dockerode";
import { expect, it } from "vitest";
import { busyboxBerth } from "../../support/busybox-berth.ts";
import { tarArchive } from "../../support/busybox-image.ts";
import { framed, scriptContainer } from "../../support/dockerode.ts";

const berth = await busyboxBerth();
const docker = new Dockerode({ socketPath: berth.socket });

const create = (script: string, more?: Dockerode.ContainerCreateOptions) => scriptContainer(docker, script, more);

it("sends only the streams of an exec that were asked for", async () => {
  const container = await create("exec sleep 1000", { HostConfig: { Init: true } });
  await container.start();
  const output = async (o: Dockerode.ExecCreateOptions) =>
    framed(docker, await (await container.exec({ Cmd: ["sh", "-c", "echo out; echo err >&2"], ...o })).start({}));
  expect(await output({ AttachStdout: true })).toEqual({ out: "out\n", err: "" });
  expect(await output({ AttachStderr: true })).toEqual({ out: "", err: "err\n" });
  expect(await output({})).toEqual({ out: "", err: "" });
  await container.remove({ force: true });
});

it("tells of an image mount that it is an experiment, shows it under the image's name, and no switch that is off", async () => {
  const made = await berth.call(["docker", "create", "--name", "tree", "--mount", "type=image,source=busybox,target=/tree", "busybox"]);
  expect(made.stderr.trim()).toBe("WARNING: Image mount is an experimental feature");
  await docker.createContainer({ name: "plain", Image: "busybox", NetworkDisabled: false });
  const { Mounts: mounts } = await docker.getContainer("tree").inspect();
  expect(mounts).toMatchObject([{ Type: "image", Name: "busybox", Destination: "/tree", RW: false, Propagation: "rprivate" }]);
  expect((await docker.getContainer("plain").inspect()).Config).not.toHaveProperty("NetworkDisabled");
  for (const name of ["tree", "plain"]) await docker.getContainer(name).remove();
});

it("names a container in its refusals as the client did", async () => {
  const container = await create("sleep 1000", { name: "named", HostConfig: { Init: true } });
  await container.start();
  const short = docker.getContainer(container.id.slice(0, 8));
  await expect(short.remove()).rejects.toThrow(`cannot remove container "${short.id}": container is running`);
  await expect(docker.getContainer("named").kill({ signal: "SIGODD" })).rejects.toThrow(
    "cannot kill container: named: invalid signal: SIGODD",
  );
  await expect(docker.getContainer("nobody").kill({ signal: "SIGODD" })).rejects.toThrow(
    "cannot kill container: nobody: invalid signal: SIGODD",
  );
  await expect(container.rename({ name: "b d" })).rejects.toThrow(/Error when allocating new name: Invalid container name/);
  await container.pause();
  await expect(container.attach({ stream: true, stdout: true })).rejects.toMatchObject({ statusCode: 409 });
  await expect(docker.getContainer("named").remove()).rejects.toThrow("container is paused and must be unpaused first");
  const told = docker.getEvents({
    since: 1,
    until: Math.ceil(Date.now() / 1000) + 1,
    filters: { container: [container.id], event: ["kill"] },
  });
  await container.remove({ force: true });
  expect((await text(await told)).trim().split("\n")).toHaveLength(1);
});

it("tells before a build's first line what is wrong with its Dockerfile, and in the stream what fails later", async () => {
  const build = (dockerfile: string, o: Dockerode.ImageBuildOptions = {}) =>
    docker
      .buildImage(Readable.from([tarArchive([{ name: "Dockerfile", data: Buffer.from(dockerfile) }])]), o)
      .then((stream) => text(stream));
  await expect(build("FROM busybox\nBOGUS x\n")).rejects.toThrow("dockerfile parse error on line 2: unknown instruction: BOGUS");
  const nothing = { labels: null, buildargs: null, cachefrom: null } as unknown as Dockerode.ImageBuildOptions; // as Go's clients send it
  expect(await build("FROM busybox\nENV A=b\n", { ...nothing, registryconfig: null } as never)).toContain("Successfully built");
  await expect(build("FROM busybox\n", { target: "zz" })).rejects.toMatchObject({ statusCode: 400 });
  await expect(build("FROM busybox\n", { dockerfile: "other" })).rejects.toThrow("Cannot locate specified Dockerfile: other");
  const lines = (await build("FROM busybox\nCOPY nosuch /\n")).trim().split("\r\n");
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
    error: "COPY failed: file not found in build context or excluded by .dockerignore: stat nosuch: file does not exist",
  });
});

it("commits with every kind of change, and an image with two names goes by one of them or by force", async () => {
  const container = await create("true", { Env: ["A=1"] });
  const committed = async (tag: string) =>
    (await container.commit({ repo: "two", tag, changes: ["ONBUILD RUN x", "HEALTHCHECK CMD y"] } as never)) as unknown as { Id: string };
  const { Id } = await committed("1");
  const image = docker.getImage(Id);
  const { Config } = await image.inspect();
  expect(Config).toMatchObject({ OnBuild: ["RUN x"], Healthcheck: { Test: ["CMD-SHELL", "y"] }, Env: expect.arrayContaining(["A=1"]) });
  expect(Config).not.toHaveProperty("Hostname");
  await image.tag({ repo: "two", tag: "2" });
  await expect(image.remove()).rejects.toThrow("(must be forced) - image is referenced in multiple repositories");
  expect(await docker.getImage("two:2").remove()).toEqual([{ Untagged: "two:2" }]);
  const user = await create("true", { Image: "two:1" });
  await expect(docker.getImage("two:1").remove()).rejects.toMatchObject({ statusCode: 409 });
  expect(await docker.getImage("two:1").remove({ force: true })).toContainEqual({ Deleted: Id });
  const tags = text(
    await docker.getEvents({ since: 1, until: Math.ceil(Date.now() / 1000), filters: { type: ["image"], event: ["untag"] } }),
  );
  expect(await tags).toContain(`"name":"${Id}"`); // as dockerd: the image, not the name that went
  await user.start(); // its layers stay
  expect(await user.wait()).toEqual({ StatusCode: 0 });
  for (const each of [user, container]) await each.remove();
});
