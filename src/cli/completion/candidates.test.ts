import { expect, test } from "vitest";
import { buildProgram } from "../program.ts";
import { completionOf } from "./candidates.ts";

const program = buildProgram(() => async () => {}, { stdout: process.stdout });
const words = (...line: string[]) => completionOf(program, line).candidates.map((one) => one.word);

test("commands, also after global flags", () => {
  expect(words("un")).toEqual(["unpause"]);
  expect(words("-f", "compose.yaml", "--profile", "dev", "exp")).toEqual(["export"]);
  expect(words("engine", "st")).toEqual(["status", "stop"]);
});

test("flags of the command, and their values", () => {
  expect(words("up", "--no-re")).toEqual(["--no-recreate"]);
  expect(words("down", "--rmi", "")).toEqual(["local", "all"]);
  expect(words("up", "--pull=n")).toEqual(["--pull=never"]);
  expect(completionOf(program, ["-f", ""]).shell).toBe("files");
  expect(completionOf(program, ["--project-directory", ""]).shell).toBe("directories");
});

test("services where a service can be", () => {
  expect(completionOf(program, ["logs", "web", ""]).services).toBe(true);
  expect(completionOf(program, ["up", "--attach", ""]).services).toBe(true);
  expect(completionOf(program, ["exec", "-T", ""]).services).toBe(true);
  expect(completionOf(program, ["exec", "web", ""])).toMatchObject({ services: false, shell: "files" });
  expect(completionOf(program, ["port", "web", ""]).services).toBe(false);
});

test("shells", () => {
  expect(words("completion", "")).toEqual(["bash", "zsh", "fish"]);
});
