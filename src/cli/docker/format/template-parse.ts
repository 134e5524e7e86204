/** A Go text/template, taken apart. */
export type Node =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "print"; readonly pipe: Pipe }
  | { readonly type: "break" }
  | { readonly type: "continue" }
  | { readonly type: "if" | "with" | "range"; readonly pipe: Pipe; readonly then: readonly Node[]; readonly otherwise: readonly Node[] };

export interface Pipe {
  readonly declare: readonly string[];
  readonly commands: readonly (readonly Operand[])[];
}

export type Operand =
  | { readonly type: "value"; readonly value: string | number | boolean | null }
  | {
      readonly type: "fields";
      readonly from: "dot" | string | Pipe;
      readonly names: readonly string[];
      /** How it is written, and where: for what an error says. */
      readonly text: string;
      readonly place: string;
    }
  | { readonly type: "call"; readonly name: string };

export class TemplateError extends Error {
  override readonly name = "TemplateError";
  /** Whether the text is no template, or only does not fit what it is run for. */
  readonly kind: "parse" | "run";

  constructor(message: string, kind: "parse" | "run" = "parse") {
    super(message);
    this.kind = kind;
  }
}

/** @throws TemplateError in text/template's words */
export function parseTemplate(text: string): Node[] {
  const pieces = split(text);
  let at = 0;
  let ranges = 0;
  const nodes = (ends: readonly string[]): { list: Node[]; end: string } => {
    const list: Node[] = [];
    for (;;) {
      const piece = pieces[at++];
      if (piece === undefined) {
        if (ends.length > 0) throw new TemplateError("template: :1: unexpected EOF");
        return { list, end: "" };
      }
      if ("text" in piece) {
        if (piece.text) list.push({ type: "text", text: piece.text });
        continue;
      }
      const jump = /^(break|continue)$/.exec(piece.code)?.[1] as "break" | "continue" | undefined; // the pattern allows no other word
      if (jump) {
        if (ranges === 0) throw new TemplateError(`template: :1: {{${jump}}} outside {{range}}`);
        list.push(jump === "break" ? { type: "break" } : { type: "continue" });
        continue;
      }
      const word = /^(if|with|range|else|end)\b\s*/.exec(piece.code);
      const keyword = word?.[1];
      const rest = piece.code.slice(word?.[0].length ?? 0);
      const place = (skipped: number) => ({ template: text, at: piece.at + skipped });
      if (keyword === undefined) list.push({ type: "print", pipe: parsePipe(piece.code, place(0)) });
      else if (keyword === "else" || keyword === "end") {
        if (ends.length === 0) throw new TemplateError(`template: :1: unexpected {{${keyword}}}`);
        return { list, end: piece.code };
      } else list.push(block(keyword as "if", rest, place(word?.[0].length ?? 0)));
    }
  };
  const block = (type: "if" | "with" | "range", rest: string, place: Place): Node => {
    const pipe = parsePipe(rest, place);
    if (type === "range") ranges += 1;
    const { list: then, end } = nodes(["else", "end"]);
    if (type === "range") ranges -= 1;
    if (end === "end") return { type, pipe, then, otherwise: [] };
    const chained = /^else\s+(if|with)\s+(.*)$/s.exec(end);
    // `else if` is an if inside the else; both share the one `end`.
    const otherwise = chained ? [block(chained[1] as "if", chained[2] ?? "", place)] : nodes(["end"]).list;
    return { type, pipe, then, otherwise };
  };
  return nodes([]).list;
}

/** Text and actions; `{{-` and `-}}` eat the white space beside them, comments are gone. */
function split(text: string): ({ text: string } | { code: string; at: number })[] {
  const pieces: ({ text: string } | { code: string; at: number })[] = [];
  let rest = text;
  for (;;) {
    const open = rest.indexOf("{{");
    if (open < 0) {
      pieces.push({ text: rest });
      return pieces;
    }
    const action = /^\{\{(-(?=\s))?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|(?!\}\})[^"`])*?)(\s-)?\}\}/s.exec(rest.slice(open));
    if (!action) throw new TemplateError("template: :1: unclosed action");
    const [all, trimBefore, code = "", trimAfter] = action;
    pieces.push({ text: trimBefore ? rest.slice(0, open).trimEnd() : rest.slice(0, open) });
    if (!/^\s*\/\*/.test(code)) pieces.push({ code: code.trim(), at: text.length - rest.length + open + all.indexOf(code.trimStart(), 2) });
    rest = rest.slice(open + all.length);
    if (trimAfter) rest = rest.trimStart();
  }
}

const tokenForm =
  /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|('(?:[^'\\]|\\.)')|(-?\d[\d.]*)|((?:\$\w*)?(?:\.\w+)+|\.|\$\w*)|(:=|=|\||\(|\)|,)|([A-Za-z_]\w*))/y;

type Token = { readonly kind: "string" | "number" | "path" | "sign" | "word"; readonly text: string; readonly at: number };

/** Where a piece of code is in its template. */
interface Place {
  readonly template: string;
  readonly at: number;
}

/** "1:8", as Go counts: lines from one, bytes of a line from nought. */
function lineAndByte({ template, at }: Place): string {
  const before = template.slice(0, at);
  const line = before.lastIndexOf("\n") + 1;
  return `${before.split("\n").length}:${Buffer.byteLength(before.slice(line))}`;
}

function tokens(code: string): Token[] {
  const list: Token[] = [];
  tokenForm.lastIndex = 0;
  while (tokenForm.lastIndex < code.trimEnd().length) {
    const at = tokenForm.lastIndex;
    const match = tokenForm.exec(code);
    if (!match) throw new TemplateError(`template: :1: unexpected ${JSON.stringify(code.slice(at).trim()[0])} in operand`);
    const [all, quoted, raw, char, number, path, sign, word] = match;
    const start = at + all.length - all.trimStart().length;
    if (quoted !== undefined) list.push({ kind: "string", text: JSON.parse(quoted.replace(/\\'/g, "'")) as string, at: start });
    else if (raw !== undefined) list.push({ kind: "string", text: raw, at: start });
    else if (char !== undefined) list.push({ kind: "number", text: String(char.codePointAt(1)), at: start });
    else if (number !== undefined) list.push({ kind: "number", text: number, at: start });
    else if (path !== undefined) list.push({ kind: "path", text: path, at: start });
    else if (sign !== undefined) list.push({ kind: "sign", text: sign, at: start });
    else list.push({ kind: "word", text: word ?? "", at: start });
  }
  return list;
}

function parsePipe(code: string, place: Place): Pipe {
  const list = tokens(code);
  let at = 0;
  const isSign = (text: string, offset = 0) => list[at + offset]?.kind === "sign" && list[at + offset]?.text === text;
  const pipe = (): Pipe => {
    const declare: string[] = [];
    if (list[at]?.text.startsWith("$") && (isSign(":=", 1) || isSign("=", 1) || isSign(",", 1))) {
      declare.push(list[at++]?.text ?? "");
      if (isSign(",")) {
        at += 1;
        declare.push(list[at++]?.text ?? "");
      }
      at += 1;
    }
    const commands: Operand[][] = [[]];
    for (; at < list.length && !isSign(")"); ) {
      if (isSign("|")) {
        at += 1;
        commands.push([]);
      } else commands.at(-1)?.push(operand());
    }
    if (commands.some((one) => one.length === 0)) throw new TemplateError("template: :1: missing value for command");
    return { declare, commands };
  };
  const operand = (): Operand => {
    const token = list[at++];
    if (token?.kind === "string") return { type: "value", value: token.text };
    if (token?.kind === "number") return { type: "value", value: Number(token.text) };
    if (token?.kind === "path") {
      const [from = "", ...names] = token.text.split(".");
      return {
        type: "fields",
        from: from || "dot",
        names: names.filter(Boolean),
        text: token.text,
        place: lineAndByte({
          ...place,
          at: place.at + token.at + token.text.length - (names.at(-1)?.length ?? 0) - (names.length > 0 ? 1 : 0),
        }),
      };
    }
    if (token?.kind === "word") {
      if (token.text === "true" || token.text === "false") return { type: "value", value: token.text === "true" };
      if (token.text === "nil") return { type: "value", value: null };
      return { type: "call", name: token.text };
    }
    if (token?.text !== "(") throw new TemplateError(`template: :1: unexpected ${JSON.stringify(token?.text ?? "EOF")} in operand`);
    const from = pipe();
    if (!isSign(")")) throw new TemplateError("template: :1: unclosed left paren");
    at += 1;
    const after = list[at];
    // ".Name" right behind a parenthesis reads a field of its value.
    if (after?.kind === "path" && after.text !== "." && after.text.startsWith(".")) {
      at += 1;
      return {
        type: "fields",
        from,
        names: after.text.slice(1).split("."),
        text: after.text,
        place: lineAndByte({ ...place, at: place.at + after.at }),
      };
    }
    return { type: "fields", from, names: [], text: "", place: lineAndByte(place) };
  };
  const result = pipe();
  if (at < list.length) throw new TemplateError(`template: :1: unexpected ${JSON.stringify(list[at]?.text)} in command`);
  return result;
}
