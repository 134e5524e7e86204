import { describe, expect, it } from "vitest";
import { expand, rawWords } from "./word-expansion.ts";

const env: Record<string, string> = { X: "value", E: "", P: "80 443", PATHY: "/usr/local/bin/foo.tar.gz" };
const text = (source: string) => expand(source, (name) => env[name]).text;
const words = (source: string) => expand(source, (name) => env[name]).words;

describe("expand", () => {
  it.each([
    ["$X", "value"],
    ["a${X}b", "avalueb"],
    ["$NO", ""],
    ["${NO:-d}", "d"],
    ["${E:-d}", "d"],
    ["${E-d}", ""],
    ["${X:+y}", "y"],
    ["${E:+y}", ""],
    ["${E+y}", "y"],
    ["${NO:-${X:-z}}", "value"],
    ["${NO:-a $X b}", "a value b"],
    ["'$X'", "$X"],
    ['"$X"', "value"],
    ['"\\$X \\" \\n"', '$X " \\n'],
    ["\\$X \\a", "$X a"],
    ["D=$$", "D="],
    ["$", "$"],
    ["${PATHY#*/}", "usr/local/bin/foo.tar.gz"],
    ["${PATHY##*/}", "foo.tar.gz"],
    ["${PATHY%.*}", "/usr/local/bin/foo.tar"],
    ["${PATHY%%.*}", "/usr/local/bin/foo"],
    ["${PATHY/o/0}", "/usr/l0cal/bin/foo.tar.gz"],
    ["${PATHY//o/0}", "/usr/l0cal/bin/f00.tar.gz"],
    ["${PATHY//\\//-}", "-usr-local-bin-foo.tar.gz"],
    ["${X/l*e/!}", "va!"],
  ])("%s is %s", (source, expected) => expect(text(source)).toBe(expected));

  it("splits only at unquoted blanks, also those of a variable", () => {
    expect(words("$P x")).toEqual(["80", "443", "x"]);
    expect(words('"$P" x\\ y')).toEqual(["80 443", "x y"]);
    expect(words("'' a")).toEqual(["", "a"]);
  });

  it.each([
    ["${}", "bad substitution"],
    ["${:x}", "bad substitution"],
    ["${X!y}", "unsupported modifier (!) in substitution"],
    ["${X:#y}", "unsupported modifier (:#) in substitution"],
    ["${NO:?gone}", "NO: gone"],
    ["${E:?}", "E: not allowed to be empty"],
    ["${X", "missing '}'"],
    ["'x", "single-quote"],
    ['"x', "double-quote"],
  ])("%s is refused: %s", (source, message) => expect(() => text(source)).toThrow(message));

  it("names what was not set", () => expect([...expand("$A${B}$X", (name) => env[name]).unset]).toEqual(["A", "B"]));
});

describe("rawWords", () => {
  it("keeps quotes and escapes", () => expect(rawWords(`a "b c" d\\ e 'f`, "\\")).toEqual(["a", '"b c"', "d\\ e", "'f"]));
});
