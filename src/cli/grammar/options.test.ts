import { expect, test } from "vitest";
import { buildProgram } from "../program.ts";
import { byteSize, plainBooleans, scales } from "./options.ts";

const program = buildProgram(() => async () => {}, { stdout: process.stdout });
const plain = (line: string) => plainBooleans(line.split(" "), program).join(" ");

test("a flag with =true or =false is the flag, its opposite, or nothing", () => {
  expect(plain("ps --all=true --quiet=false")).toBe("ps --all");
  expect(plain("ps -a=true -q=false")).toBe("ps --all");
  expect(plain("-p shop ps --no-trunc=true")).toBe("-p shop ps --no-trunc");
  expect(plain("exec --no-tty=true web ls")).toBe("exec --no-tty web ls");
});

test("words of the command that is run in a container are left as they are", () => {
  expect(plain("exec -e A=1 web tool --all=true")).toBe("exec -e A=1 web tool --all=true");
});

test("--scale is SERVICE=NUMBER", () => {
  expect(scales("b=0", { a: 3 })).toEqual({ a: 3, b: 0 });
  expect(() => scales("b=x")).toThrow("SERVICE=NUMBER");
});

test("sizes have binary units", () => {
  expect([byteSize("10"), byteSize("1k"), byteSize("1.5MB"), byteSize("2g")]).toEqual([10, 1024, 1572864, 2147483648]);
  expect(() => byteSize("much")).toThrow("not a size");
});
