import { goText, isTrue, templateFunctions } from "./template-functions.ts";
import { type Node, type Operand, type Pipe, parseTemplate, TemplateError } from "./template-parse.ts";

export interface TemplateOptions {
  /** A field that is not there: "error" (as for a Go struct) or "<no value>" (as for a map). */
  readonly missing?: "error" | "empty";
}

/**
 * Compiles what people write behind --format: the Go text/template language with fields, pipes, variables, if/with/range/else, and
 * Docker's functions (json, join, upper, ...).
 * @throws TemplateError for text that is no template, and when run for a field that is not there
 */
export function compileTemplate(text: string, o: TemplateOptions = {}): (data: unknown) => string {
  const nodes = parseTemplate(text);
  return (data) => runNodes(nodes, { root: data, dot: data, variables: new Map([["$", data]]), missing: o.missing ?? "error" });
}

interface Scope {
  readonly root: unknown;
  readonly dot: unknown;
  readonly variables: Map<string, unknown>;
  readonly missing: "error" | "empty";
}

function runNodes(nodes: readonly Node[], scope: Scope): string {
  return nodes.map((node) => runNode(node, scope)).join("");
}

function runNode(node: Node, scope: Scope): string {
  if (node.type === "text") return node.text;
  if (node.type === "print") {
    const value = runPipe(node.pipe, scope);
    return node.pipe.declare.length > 0 ? "" : goText(value, "<no value>");
  }
  const inner = { ...scope, variables: new Map(scope.variables) };
  const value = runPipe(node.pipe, inner);
  if (node.type === "range") {
    const items = rangeItems(value);
    if (items.length === 0) return runNodes(node.otherwise, inner);
    return items
      .map(([key, item]) => {
        const variables = new Map(inner.variables);
        const [first, second] = node.pipe.declare;
        if (second !== undefined) variables.set(first ?? "", key).set(second, item);
        else if (first !== undefined) variables.set(first, item);
        return runNodes(node.then, { ...scope, dot: item, variables });
      })
      .join("");
  }
  if (!isTrue(value)) return runNodes(node.otherwise, inner);
  return runNodes(node.then, node.type === "with" ? { ...inner, dot: value } : inner);
}

function rangeItems(value: unknown): [unknown, unknown][] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  if (typeof value === "number") return Array.from({ length: value }, (_, index) => [index, index]);
  if (value === null || value === undefined) return [];
  if (typeof value === "object")
    return Object.keys(value)
      .sort()
      .map((key) => [key, (value as Record<string, unknown>)[key]]);
  throw new TemplateError(`template: :1: range can't iterate over ${goText(value, "")}`);
}

function runPipe(pipe: Pipe, scope: Scope): unknown {
  let value: unknown;
  pipe.commands.forEach((operands, index) => {
    value = runCommand(operands, scope, index === 0 ? [] : [value]);
  });
  if (pipe.declare.length === 1) scope.variables.set(pipe.declare[0] ?? "", value);
  return value;
}

function runCommand(operands: readonly Operand[], scope: Scope, piped: readonly unknown[]): unknown {
  const [first, ...rest] = operands;
  if (first?.type !== "call") {
    if (rest.length > 0 || piped.length > 0) throw new TemplateError("template: :1: can't give argument to non-function");
    return first ? operandValue(first, scope) : undefined;
  }
  if (first.name === "and" || first.name === "or") {
    // They stop at the first operand that decides.
    let value: unknown;
    for (const one of [...rest.map((operand) => () => operandValue(operand, scope)), ...piped.map((given) => () => given)]) {
      value = one();
      if (isTrue(value) === (first.name === "or")) return value;
    }
    return value;
  }
  return callFunction(first.name, [...rest.map((operand) => operandValue(operand, scope)), ...piped]);
}

function callFunction(name: string, args: readonly unknown[]): unknown {
  const run = Object.hasOwn(templateFunctions, name) ? templateFunctions[name] : undefined;
  if (!run) throw new TemplateError(`template: :1: function ${JSON.stringify(name)} not defined`);
  return run(...args);
}

function operandValue(operand: Operand, scope: Scope): unknown {
  if (operand.type === "value") return operand.value;
  if (operand.type === "call") return callFunction(operand.name, []);
  let value: unknown;
  if (typeof operand.from !== "string") value = runPipe(operand.from, scope);
  else if (operand.from === "dot") value = scope.dot;
  else {
    if (!scope.variables.has(operand.from)) throw new TemplateError(`template: :1: undefined variable ${JSON.stringify(operand.from)}`);
    value = scope.variables.get(operand.from);
  }
  for (const name of operand.names) value = fieldOf(value, name, scope.missing);
  return value;
}

function fieldOf(value: unknown, name: string, missing: "error" | "empty"): unknown {
  if (value === null || value === undefined) {
    if (missing === "empty") return undefined;
    throw new TemplateError(`template: :1: nil pointer evaluating interface {}.${name}`);
  }
  if (typeof value !== "object" || Array.isArray(value))
    throw new TemplateError(`template: :1: can't evaluate field ${name} in type ${Array.isArray(value) ? "[]interface {}" : typeof value}`);
  if (!Object.hasOwn(value, name)) {
    if (missing === "empty") return undefined;
    throw new TemplateError(`template: :1: executing "" at <.${name}>: map has no entry for key ${JSON.stringify(name)}`);
  }
  return (value as Record<string, unknown>)[name];
}
