import { expect, test } from "vitest";
import { type Prompt, type PromptAnswer, promptKey, promptLine } from "./prompt.ts";

const services: Prompt = { question: "restart", choices: ["web", "worker", "db"], text: "" };

function typed(prompt: Prompt, keys: readonly string[]): PromptAnswer {
  let answer: PromptAnswer = { kind: "going-on", prompt };
  for (const key of keys) if (answer.kind === "going-on") answer = promptKey(answer.prompt, key);
  return answer;
}

test("a digit picks, Enter takes all, letters narrow down", () => {
  expect(typed(services, ["3"])).toEqual({ kind: "answered", values: ["db"] });
  expect(typed(services, ["\r"])).toEqual({ kind: "answered", values: [] });
  expect(typed(services, ["w", "\r"])).toEqual({ kind: "answered", values: ["web", "worker"] });
  expect(typed(services, ["w", "o", "\r"])).toEqual({ kind: "answered", values: ["worker"] });
  expect(typed(services, ["x", "\r", "\x7f", "d", "\r"])).toEqual({ kind: "answered", values: ["db"] });
  expect(typed(services, ["9"]).kind).toBe("going-on");
});

test("Esc and Ctrl-C give up, free text takes digits too", () => {
  expect(typed(services, ["w", "\x1b"])).toEqual({ kind: "cancelled" });
  expect(typed({ question: "/", text: "" }, ["4", "2", "\r"])).toEqual({ kind: "answered", values: ["42"] });
});

test("the line shows what is left", () => {
  expect(promptLine(services)).toBe(" restart 1 web  2 worker  3 db  (Enter: all of these, Esc: none) ▏");
  expect(promptLine({ ...services, text: "w" })).toContain("web  worker");
});
