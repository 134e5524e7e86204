import { expect, it } from "vitest";
import { parseDockerfile } from "../dockerfile/parse-dockerfile.ts";
import { contextPaths } from "./context-paths.ts";

const paths = (text: string) => {
  const dockerfile = parseDockerfile(text, "Dockerfile");
  return contextPaths(dockerfile, dockerfile.stages.length - 1);
};

it("names what the needed stages take from the context, and nothing of the others", () => {
  expect(
    paths(
      "FROM a AS unused\nCOPY big /\nFROM a AS used\nCOPY ./src/*.c lib /x/\nRUN --mount=source=tools,target=/t make\nFROM b\nCOPY --from=used /x /\nADD https://example.com/f /",
    ),
  ).toEqual(["lib", "src/*.c", "tools"]);
});

it("says nothing where it is the whole context or where a variable decides", () => {
  expect(paths("FROM a\nCOPY . /app")).toBeUndefined();
  expect(paths("FROM a\nARG WHAT=x\nCOPY $WHAT /app")).toBeUndefined();
  expect(paths("FROM a\nRUN --mount=target=/src make")).toBeUndefined();
});
