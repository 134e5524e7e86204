import { describe, expect, it } from "vitest";
import { BerthError } from "../../system/index.ts";
import { parseMountOption } from "./mount-option.ts";
import { parseDockerfile } from "./parse-dockerfile.ts";

const parse = (text: string) => parseDockerfile(text, "Dockerfile");
const steps = (text: string) => parse(`FROM scratch\n${text}`).stages[0]!.instructions;
const first = (text: string) => steps(text)[0]!;

describe("lines", () => {
  it("joins continued lines without a separator, dropping comments and empty lines between", () => {
    expect(first('RUN echo "a\\\n# no\n\n   b" \\  \n && true')).toMatchObject({
      command: { shell: 'echo "a   b"  && true' },
      line: 2,
      endLine: 6,
    });
  });
  it("keeps going at the end of the file", () => expect(first("RUN a \\")).toMatchObject({ command: { shell: "a" } }));
  it("takes the backtick as escape", () => {
    expect(parse("# escape=`\nFROM scratch\nRUN a `\n b\\").stages[0]!.instructions[0]).toMatchObject({ command: { shell: "a  b\\" } });
  });
  it("stops looking for directives at the first other comment", () => {
    expect(parse("# hello\n# escape=`\nFROM scratch\nRUN a \\\n b").stages[0]!.instructions[0]).toMatchObject({
      command: { shell: "a  b" },
    });
  });
  it("accepts CRLF and a byte order mark", () => expect(parse("\uFEFFFROM scratch\r\nRUN a\r\n").stages).toHaveLength(1));
});

describe("heredocs", () => {
  it("reads several in order, raw", () => {
    expect(first("COPY <<a <<-'b' /x/\n# kept $v \\\na\n\tin\n\tb\n")).toMatchObject({
      sources: [],
      destination: "/x/",
      heredocs: [
        { name: "a", expand: true, content: "# kept $v \\\n" },
        { name: "b", expand: false, content: "in\n" },
      ],
    });
  });
  it("are no matter of CMD", () => expect(first("CMD cat <<EOF")).toMatchObject({ command: { shell: "cat <<EOF" } }));
  it("must end", () => expect(() => steps("RUN <<EOF\nx")).toThrow("unterminated heredoc"));
});

describe("instructions", () => {
  it("take JSON as exec form and anything else as shell text", () => {
    expect(first('CMD ["a", "b"]')).toMatchObject({ command: { exec: ["a", "b"] } });
    expect(first("CMD ['a']")).toMatchObject({ command: { shell: "['a']" } });
    expect(first("RUN [ -f /x ] && y")).toMatchObject({ command: { shell: "[ -f /x ] && y" } });
    expect(() => first("CMD [1]")).toThrow("arrays must be comprised of strings only");
  });
  it("know their flags", () => {
    expect(first("COPY --from=a --chmod=755 --link a b /c/")).toMatchObject({
      from: "a",
      chmod: "755",
      link: true,
      sources: ["a", "b"],
      destination: "/c/",
    });
    expect(() => first("COPY --frm=a b c")).toThrow("unknown flag: --frm (did you mean from?)");
    expect(() => first("COPY --from=$a b c")).toThrow("variable expansion is not supported for --from");
  });
  it("read both forms of ENV", () => {
    expect(first('ENV a=1 b="x y" c=d\\ e')).toMatchObject({
      pairs: [
        { name: "a", value: "1" },
        { name: "b", value: '"x y"' },
        { name: "c", value: "d\\ e" },
      ],
    });
    expect(first("ENV a  b   c")).toMatchObject({ pairs: [{ name: "a", value: "b   c" }], legacy: true });
    expect(() => first("ENV a")).toThrow("ENV must have two arguments");
  });
  it("check HEALTHCHECK", () => {
    expect(first("HEALTHCHECK --interval=1m30s --retries=2 CMD curl  x")).toMatchObject({
      check: { Test: ["CMD-SHELL", "curl  x"], Interval: 90e9, Retries: 2 },
    });
    expect(first("HEALTHCHECK NONE")).toMatchObject({ check: { Test: ["NONE"] } });
    expect(() => first("HEALTHCHECK --interval=1x CMD a")).toThrow('time: unknown unit "x" in duration "1x"');
  });
  it("keep the text of a trigger", () =>
    expect(first('ONBUILD RUN   echo   "x y"  &&    true')).toMatchObject({
      keyword: "ONBUILD",
      trigger: 'RUN   echo   "x y"  &&    true',
    }));
  it("name the line of a mistake", () => {
    try {
      parse("FROM scratch\n\nRUM x");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(BerthError);
      expect(error).toMatchObject({ message: "unknown instruction: RUM (did you mean RUN?)", place: { file: "Dockerfile", line: 3 } });
    }
  });
  it.each([
    ["", "the Dockerfile cannot be empty"],
    ["RUN x", "no build stage in current context"],
    ["ARG a", "no stages"],
    ["FROM a b", "either one or three arguments"],
    ["FROM a AS 1x", "invalid name for build stage"],
    ["# syntax=evil/frontend\nFROM a", "not supported"],
  ])("refuse %j", (text, message) => expect(() => parse(text)).toThrow(message));
});

describe("parseMountOption", () => {
  const mount = (text: string) => parseMountOption(text, (value) => value.replace("$V", "v"));
  it("defaults to a read-only bind", () =>
    expect(mount("target=/x,from=a")).toMatchObject({ type: "bind", readOnly: true, target: "/x", from: "a" }));
  it("reads caches", () => {
    expect(mount('type=cache,"target=/a,b",id=$V,sharing=locked,uid=5,mode=0700')).toMatchObject({
      target: "/a,b",
      id: "v",
      sharing: "locked",
      uid: 5,
      mode: 0o700,
    });
  });
  it.each([
    ["type=chache,target=/x", "did you mean cache"],
    ["targt=/x", "did you mean target"],
    ["type=tmpfs,target=/x,from=a", "from not allowed"],
    ["type=secret", "one of source, target required"],
    ["type=cache,foo", "must be a key=value pair"],
  ])("refuses %s", (text, message) => expect(() => mount(text)).toThrow(message));
});
