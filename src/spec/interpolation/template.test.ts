import { expect, test } from "vitest";
import { substitute, TemplateError, variablesOf } from "./template.ts";

const values: Record<string, string> = { SET: "v", EMPTY: "" };
const of = (text: string) => substitute(text, (name) => values[name]);

test("each operator tells unset and empty apart as it says", () => {
  expect(of("${SET-d} ${EMPTY-d} ${NONE-d}")).toBe("v  d");
  expect(of("${SET:-d} ${EMPTY:-d} ${NONE:-d}")).toBe("v d d");
  expect(of("${SET+a} ${EMPTY+a} ${NONE+a}")).toBe("a a ");
  expect(of("${SET:+a} ${EMPTY:+a} ${NONE:+a}")).toBe("a  ");
  expect(of("${SET?e} ${EMPTY?e}")).toBe("v ");
  expect(() => of("${EMPTY:?say which}")).toThrow("the variable EMPTY must have a value: say which");
});

test("defaults nest, and a dollar is written twice or stands before nothing that is a name", () => {
  expect(of("${NONE:-${EMPTY:-${SET}x}y}z")).toBe("vxyz");
  expect(of("$$SET 5$ $1")).toBe("$SET 5$ $1");
});

test("an error says where its dollar is", () => {
  const failed = (text: string) => {
    try {
      of(text);
    } catch (error) {
      if (error instanceof TemplateError) return { kind: error.kind, at: error.at };
      throw error;
    }
    return undefined;
  };
  expect(failed("ab ${SET:?} ${x")).toEqual({ kind: "format", at: 12 });
  expect(failed("ab ${NONE:-${OTHER:?e}}")).toEqual({ kind: "missing", at: 11 });
});

test("the variables of a text, those of its defaults too", () => {
  const found = variablesOf("$A ${B:-x${C}} ${D:?e} ${E:+f} $$F");
  expect(Object.fromEntries(found.map(({ name, ...rest }) => [name, rest]))).toEqual({
    A: { required: false, defaultValue: "", presenceValue: "" },
    B: { required: false, defaultValue: "x${C}", presenceValue: "" },
    C: { required: false, defaultValue: "", presenceValue: "" },
    D: { required: true, defaultValue: "", presenceValue: "" },
    E: { required: false, defaultValue: "", presenceValue: "f" },
  });
});
