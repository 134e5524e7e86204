import { goText, isTrue, templateFunctions } from "./template-functions.ts";
import { type Node, type Operand, type Pipe, parseTemplate, TemplateError } from "./template-parse.ts";

export interface TemplateOptions {
  /** The Go type whose fields the data has, for what an error says: "*formatter.ContainerContext". None: a map decoded from JSON. */
  readonly type?: string;
  /** Laid over the usual functions. */
  readonly functions?: Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
}

/**
 * Compiles what people write behind --format: the Go text/template language with fields, pipes, variables, if/with/range/else, and
 * Docker's functions (json, join, upper, ...). A function in the data is a method: it takes the arguments that follow it.
 * @throws TemplateError for text that is no template, and when run for a field that is not there
 */
export function compileTemplate(text: string, o: TemplateOptions = {}): (data: unknown) => string {
  const nodes = parseTemplate(text);
  const functions = { ...templateFunctions, ...o.functions };
  checkFunctions(nodes, functions);
  return (data) => {
    const maps = new WeakSet<object>();
    return runNodes(nodes, { root: data, dot: data, variables: new Map([["$", data]]), functions, maps, type: o.type });
  };
}

interface Scope {
  readonly root: unknown;
  readonly dot: unknown;
  readonly variables: Map<string, unknown>;
  readonly functions: TemplateOptions["functions"] & object;
  /** What is a map in Go, where a key that is not there is "<no value>", and not a struct, which has its fields. */
  readonly maps: WeakSet<object>;
  readonly type: string | undefined;
}

/** Unknown functions are found while a template is read. */
function checkFunctions(nodes: readonly Node[], functions: object): void {
  const checkPipe = (pipe: Pipe): void => {
    for (const operand of pipe.commands.flat()) {
      if (operand.type === "call" && !Object.hasOwn(functions, operand.name) && !["and", "or"].includes(operand.name))
        throw new TemplateError(`template: :1: function ${JSON.stringify(operand.name)} not defined`);
      if (operand.type === "fields" && typeof operand.from === "object") checkPipe(operand.from);
    }
  };
  for (const node of nodes) {
    if ("pipe" in node) checkPipe(node.pipe);
    if ("then" in node) for (const list of [node.then, node.otherwise]) checkFunctions(list, functions);
  }
}

/** What ends a range before its time, with what was printed up to there. */
class Jump extends Error {
  readonly kind: "break" | "continue";
  readonly before: string;
  constructor(kind: "break" | "continue", before: string) {
    super(kind);
    this.kind = kind;
    this.before = before;
  }
}

function runNodes(nodes: readonly Node[], scope: Scope): string {
  let text = "";
  for (const node of nodes) {
    if (node.type === "break" || node.type === "continue") throw new Jump(node.type, text);
    try {
      text += runNode(node, scope);
    } catch (error) {
      if (error instanceof Jump) throw new Jump(error.kind, text + error.before);
      throw error;
    }
  }
  return text;
}

function runNode(node: Exclude<Node, { type: "break" } | { type: "continue" }>, scope: Scope): string {
  if (node.type === "text") return node.text;
  if (node.type === "print") {
    const value = runPipe(node.pipe, scope);
    return node.pipe.declare.length > 0 ? "" : goText(value, value === null ? "<nil>" : "<no value>");
  }
  const inner = { ...scope, variables: new Map(scope.variables) };
  const value = runPipe(node.pipe, inner);
  if (node.type === "range") {
    const items = rangeItems(value);
    if (items.length === 0) return runNodes(node.otherwise, inner);
    let text = "";
    for (const [key, item] of items) {
      const variables = new Map(inner.variables);
      const [first, second] = node.pipe.declare;
      if (second !== undefined) variables.set(first ?? "", key).set(second, item);
      else if (first !== undefined) variables.set(first, item);
      try {
        text += runNodes(node.then, { ...scope, dot: item, variables });
      } catch (error) {
        if (!(error instanceof Jump)) throw error;
        text += error.before;
        if (error.kind === "break") break;
      }
    }
    return text;
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
  throw new TemplateError(`template: :1: range can't iterate over ${goText(value, "")}`, "run");
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
    const value = first ? operandValue(first, scope) : undefined;
    if (typeof value === "function") return value(...rest.map((operand) => operandValue(operand, scope)), ...piped);
    if (rest.length > 0 || piped.length > 0) throw new TemplateError("template: :1: can't give argument to non-function", "run");
    return value;
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
  return scope.functions[first.name]?.(...rest.map((operand) => operandValue(operand, scope)), ...piped);
}

function operandValue(operand: Operand, scope: Scope): unknown {
  if (operand.type === "value") return operand.value;
  if (operand.type === "call") return scope.functions[operand.name]?.();
  let value: unknown;
  if (typeof operand.from !== "string") value = runPipe(operand.from, scope);
  else if (operand.from === "dot") value = scope.dot;
  else {
    if (!scope.variables.has(operand.from)) throw new TemplateError(`template: :1: undefined variable ${JSON.stringify(operand.from)}`);
    value = scope.variables.get(operand.from);
  }
  for (const name of operand.names) value = fieldOf(value, name, operand, scope);
  return value;
}

/** Fields that are maps in Docker's API: what is not in them is no mistake. */
const mapFields = new Set(
  "Annotations Attributes AuxiliaryAddresses Containers Data DriverOpts ExposedPorts IndexConfigs Labels Networks Options PortBindings Ports Runtimes StorageOpt Sysctls Tmpfs Volumes".split(
    " ",
  ),
);
const listFields = new Set(
  "Aliases Binds CapAdd CapDrop Cmd Dns DnsOptions DnsSearch Entrypoint Env ExtraHosts GroupAdd Links OnBuild SecurityOpt VolumesFrom".split(
    " ",
  ),
);
/** Fields that the JSON leaves out where they are not set. */
const optionalFields = new Set(["Init", "Health", "Healthcheck", "StopTimeout", "Shell"]);

function fieldOf(value: unknown, name: string, operand: Extract<Operand, { type: "fields" }>, scope: Scope): unknown {
  const refuse = (why: string): never => {
    throw new TemplateError(`template: :${operand.place}: executing "" at <${operand.text}>: ${why}`, "run");
  };
  if (value === undefined) return refuse(`nil data; no entry for key ${JSON.stringify(name)}`);
  if (value === null) return refuse(`nil pointer evaluating interface {}.${name}`);
  if (typeof value !== "object" || Array.isArray(value))
    return refuse(`can't evaluate field ${name} in type ${Array.isArray(value) ? "[]interface {}" : typeof value}`);
  const field = (value as Record<string, unknown>)[name];
  if (!Object.hasOwn(value, name) || field === undefined) {
    if (scope.maps.has(value)) return undefined;
    if (optionalFields.has(name) && value !== scope.root) return null;
    return refuse(
      scope.type === undefined ? `map has no entry for key ${JSON.stringify(name)}` : `can't evaluate field ${name} in type ${scope.type}`,
    );
  }
  if (scope.maps.has(value)) return field;
  if (mapFields.has(name)) {
    const map = field ?? {};
    if (typeof map === "object") scope.maps.add(map);
    return map;
  }
  return field === null && listFields.has(name) ? [] : field;
}
