import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BuildRoom, type Built, buildRoom } from "../../support/build-room.ts";

let room: BuildRoom;
beforeAll(async () => {
  room = await buildRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
});

describe("steps are shown", () => {
  const names = (built: Built) => [
    ...new Set(built.events.flatMap((event) => (event.type === "vertex" && event.name.startsWith("[") ? [event.name] : []))),
  ];

  it("with the values of their variables, and the first line of a heredoc", async () => {
    const Dockerfile = [
      "FROM busybox",
      "ARG V=val",
      "ENV E=env",
      `run echo "$V \${E}" '$V' $UNSET \${UNSET:-set} \\$V`,
      "WORKDIR /$V/w",
      "WORKDIR /",
      'COPY <<"EOF" /$E/$UNSET',
      "text",
      "EOF",
      "RUN <<EOF",
      "echo $V",
      "true",
      "EOF",
      "RUN sh <<EOF",
      "true",
      "EOF",
      "RUN echo 'open \\",
      "  next'",
      "",
    ].join("\n");
    const built = await room.build({ Dockerfile });
    expect(names(built).filter((name) => !name.startsWith("[internal]"))).toEqual([
      "[1/8] FROM docker.io/library/busybox:latest",
      `[2/8] RUN echo "val env" '$V' $UNSET set $V`,
      "[3/8] WORKDIR /val/w",
      "[4/8] COPY <<EOF /env/",
      "[5/8] RUN <<EOF (echo val...)",
      "[6/8] RUN sh <<EOF",
      "[7/8] RUN echo 'open   next'",
    ]);
  });

  it("under their stage where there are more sources, and as triggers where they are a base's", async () => {
    await room.build({ Dockerfile: "FROM busybox\nONBUILD RUN true\nONBUILD ENV A=1\n" }, { tags: ["shown-base"] });
    const child = await room.build({ Dockerfile: "FROM shown-base\nRUN echo $A\n" });
    expect(names(child).filter((name) => !name.startsWith("[internal]"))).toEqual([
      "[1/2] FROM docker.io/library/shown-base:latest",
      "[2/4] ONBUILD RUN true",
      "[3/4] RUN echo 1",
    ]);
    const Dockerfile = "FROM busybox AS one\nRUN --mount=type=secret,id=s,env=S echo $S\nFROM one\nCOPY --from=one /bin/sh /s\n";
    const stages = await room.build({ Dockerfile });
    expect(names(stages).filter((name) => !name.startsWith("[internal]"))).toEqual([
      "[one 1/2] FROM docker.io/library/busybox:latest",
      "[one 2/2] RUN --mount=type=secret,id=s,env=S echo ****",
      "[stage-1 1/1] COPY --from=one /bin/sh /s",
    ]);
    const mounts = await room.build({ Dockerfile: "FROM busybox AS only\nRUN --mount=type=tmpfs,target=/t true\n" });
    expect(names(mounts)).toContain("[only 2/2] RUN --mount=type=tmpfs,target=/t true");
    const only = await room.build({ Dockerfile: "FROM busybox AS only\nRUN echo only\n" });
    expect(names(only)).toContain("[2/2] RUN echo only");
  });
});
