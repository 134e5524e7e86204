import { expect, test } from "vitest";
import { dockerCompletionOf } from "./docker-candidates.ts";

const words = async (...typed: string[]) => (await dockerCompletionOf(typed)).candidates.map(({ word }) => word);

test("management words, their commands, and the short names come after `docker`", async () => {
  expect(await words("net")).toEqual(["network"]);
  expect(await words("")).toEqual(expect.arrayContaining(["container", "run", "ps", "login"]));
  expect(await words("network", "con")).toEqual(["connect"]);
});

test("flags are those of the command", async () => {
  expect(await words("run", "--net")).toContain("--network");
  expect(await words("container", "run", "--net")).toEqual(await words("run", "--net"));
  expect(await words("nosuch", "--")).toEqual([]);
});

test("the shell offers files for arguments, and nothing for a flag's other value", async () => {
  expect((await dockerCompletionOf(["load", ""])).shell).toBe("files");
  expect((await dockerCompletionOf(["run", "--name", ""])).shell).toBeUndefined();
  expect((await dockerCompletionOf(["run", "--env-file", ""])).shell).toBe("files");
});
