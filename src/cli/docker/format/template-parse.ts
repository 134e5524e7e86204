/** A Go text/template, taken apart. */
export type Node =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "print"; readonly pipe: Pipe }
  | { readonly type: "if" | "with" | "range"; readonly pipe: Pipe; readonly then: readonly Node[]; readonly otherwise: readonly Node[] };

export interface Pipe {
  readonly declare: readonly string[];
  readonly commands: readonly (readonly Operand[])[];
}

export type Operand =
  | { readonly type: "value"; readonly value: string | number | boolean | null }
  | { readonly type: "fields"; readonly from: "dot" | string | Pipe; readonly names: readonly string[] }
  | { readonly type: "call"; readonly name: string };

export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** @throws TemplateError in text/template's words */
export function parseTemplate(text: string): Node[] {
  const pieces = split(text);
  let at = 0;
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
      const word = /^(if|with|range|else|end)\b\s*/.exec(piece.code);
      const keyword = word?.[1];
      const rest = piece.code.slice(word?.[0].length ?? 0);
      if (keyword === undefined) list.push({ type: "print", pipe: parsePipe(piece.code) });
      else if (keyword === "else" || keyword === "end") {
        if (ends.length === 0) throw new TemplateError(`template: :1: unexpected {{${keyword}}}`);
        return { list, end: piece.code };
      } else list.push(block(keyword as "if", rest));
    }
  };
  const block = (type: "if" | "with" | "range", rest: string): Node => {
    const { list: then, end } = nodes(["else", "end"]);
    if (end === "end") return { type, pipe: parsePipe(rest), then, otherwise: [] };
    const chained = /^else\s+(if|with)\s+(.*)$/s.exec(end);
    // `else if` is an if inside the else; both share the one `end`.
    const otherwise = chained ? [block(chained[1] as "if", chained[2] ?? "")] : nodes(["end"]).list;
    return { type, pipe: parsePipe(rest), then, otherwise };
  };
  return nodes([]).list;
}

/** Text and actions; `{{-` and `-}}` eat the white space beside them, comments are gone. */
function split(text: string): ({ text: string } | { code: string })[] {
  const pieces: ({ text: string } | { code: string })[] = [];
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
    if (!/^\s*\/\*/.test(code)) pieces.push({ code: code.trim() });
    rest = rest.slice(open + all.length);
    if (trimAfter) rest = rest.trimStart();
  }
}

const tokenForm =
  /\s*(?:("(?:[^"\\]|\\.)*")|`([^`]*)`|('(?:[^'\\]|\\.)')|(-?\d[\d.]*)|((?:\$\w*)?(?:\.\w+)+|\.|\$\w*)|(:=|=|\||\(|\)|,)|([A-Za-z_]\w*))/y;

type Token = { readonly kind: "string" | "number" | "path" | "sign" | "word"; readonly text: string };

function tokens(code: string): Token[] {
  const list: Token[] = [];
  tokenForm.lastIndex = 0;
  while (tokenForm.lastIndex < code.trimEnd().length) {
    const at = tokenForm.lastIndex;
    const match = tokenForm.exec(code);
    if (!match) throw new TemplateError(`template: :1: unexpected ${JSON.stringify(code.slice(at).trim()[0])} in operand`);
    const [, quoted, raw, char, number, path, sign, word] = match;
    if (quoted !== undefined) list.push({ kind: "string", text: JSON.parse(quoted.replace(/\\'/g, "'")) as string });
    else if (raw !== undefined) list.push({ kind: "string", text: raw });
    else if (char !== undefined) list.push({ kind: "number", text: String(char.codePointAt(1)) });
    else if (number !== undefined) list.push({ kind: "number", text: number });
    else if (path !== undefined) list.push({ kind: "path", text: path });
    else if (sign !== undefined) list.push({ kind: "sign", text: sign });
    else list.push({ kind: "word", text: word ?? "" });
  }
  return list;
}

function parsePipe(code: string): Pipe {
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
      return { type: "fields", from: from || "dot", names: names.filter(Boolean) };
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
      return { type: "fields", from, names: after.text.slice(1).split(".") };
    }
    return { type: "fields", from, names: [] };
  };
  const result = pipe();
  if (at < list.length) throw new TemplateError(`template: :1: unexpected ${JSON.stringify(list[at]?.text)} in command`);
  return result;
}
