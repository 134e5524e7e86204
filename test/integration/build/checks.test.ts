import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildRoom, buildRoom } from "../../support/build-room.ts";

let room: BuildRoom;
beforeAll(async () => {
  room = await buildRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});

describe("the checks", () => {
  it("warn as BuildKit's do, once each, only of stages that are built", async () => {
    const Dockerfile = [
      "FROM busybox as one",
      "maintainer me",
      "ENV SECRET_TOKEN=abc",
      "WORKDIR rel",
      "COPY $NOPE . /y/",
      "ENV k v",
      "CMD echo a",
      "CMD echo b",
      "EXPOSE 80/TCP 1.2.3.4:80:80",
      "FROM busybox AS never",
      "ENV a b",
      "FROM one AS scratch",
      "RUN true \\",
      "",
      " && true",
    ].join("\n");
    const { warnings } = await room.build({ Dockerfile });
    expect([...warnings].sort()).toEqual([
      "ConsistentInstructionCasing: Command 'maintainer' should match the case of the command majority (uppercase)",
      "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '1.2.3.4:80:80'",
      "ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
      "FromAsCasing: 'as' and 'FROM' keywords' casing do not match",
      "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
      "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
      'LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format',
      "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label",
      "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used",
      "NoEmptyContinuation: Empty continuation line",
      'ReservedStageName: Stage name should not use the same name as reserved stage "scratch"',
      'SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV "SECRET_TOKEN")',
      "UndefinedVar: Usage of undefined variable '$NOPE'",
      'WorkdirRelativePath: Relative workdir "rel" can have unexpected results if the base image changes',
    ]);
  });

  it("are silenced or made errors by the file", async () => {
    expect((await room.build({ Dockerfile: "# check=skip=JSONArgsRecommended\nFROM scratch\nCMD a\n" })).warnings).toEqual([]);
    await expect(room.build({ Dockerfile: "# check=error=true\nFROM scratch\nCMD a\n" })).rejects.toThrow(
      "lint violation found for rules: JSONArgsRecommended",
    );
  });
});
