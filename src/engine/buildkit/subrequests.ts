import {
  type Builder,
  type BuildOptions,
  type BuildRequest,
  type Dockerfile,
  dependenciesOf,
  expand,
  type Instruction,
  nearest,
  ruleDescription,
  ruleUrl,
  stageNamed,
} from "../../build/index.ts";
import { BerthError } from "../../system/index.ts";
import { endLine } from "./solve-status.ts";

type Metadata = Readonly<Record<string, Uint8Array>>;

/**
 * What a client asks about a Dockerfile instead of building it (BuildKit's frontend/subrequests): its outline, its targets, its checks. The answer
 * is JSON, the same as text, and for the checks the exit code.
 * @throws BerthError build/unsupported for any other question
 */
export async function subrequest(name: string, builder: Builder, request: BuildRequest, options: BuildOptions): Promise<Metadata> {
  if (name === "frontend.subrequests.describe")
    return answer(
      describe(),
      describe()
        .map((one) => `${one.name}  ${one.description}`)
        .join("\n"),
    );
  const question = questions.get(name);
  if (!question) throw new BerthError("build/unsupported", `unsupported request ${name}: unsupported request ${name}`);
  let content = "";
  const dockerfile = await builder.readDockerfile(request, {
    ...options,
    onDockerfile: (text, file) => {
      content = text;
      options.onDockerfile?.(text, file);
    },
  });
  return question.answer(dockerfile, content, request, builder);
}

interface Question {
  readonly description: string;
  readonly metadata: readonly string[];
  answer(dockerfile: Dockerfile, content: string, request: BuildRequest, builder: Builder): Metadata;
}

const plain = ["result.json", "result.txt"];
const questions: ReadonlyMap<string, Question> = new Map([
  ["frontend.outline", { description: "List all parameters current build target supports", metadata: plain, answer: outline }],
  ["frontend.targets", { description: "List all targets current build supports", metadata: plain, answer: targets }],
  ["frontend.lint", { description: "Lint a Dockerfile", metadata: [...plain, "result.statuscode"], answer: lint }],
]);

function describe(): { name: string; version: string; type: string; description: string; metadata: { name: string }[] }[] {
  const all = [...questions]
    .filter(([name]) => name !== "frontend.lint")
    .map(([name, { description, metadata }]) => ({ name, description, metadata }));
  const own = { name: "frontend.subrequests.describe", description: "List available subrequest types", metadata: plain };
  return [...all, own].map(({ name, description, metadata }) => ({
    name,
    version: "1.0.0",
    type: "rpc",
    description,
    opts: [],
    metadata: metadata.map((one) => ({ name: one })),
  }));
}

function answer(value: unknown, text: string, more: Record<string, string> = {}): Metadata {
  const all = { "result.json": JSON.stringify(value, null, 2), "result.txt": text, version: "1.0.0", ...more };
  return Object.fromEntries(Object.entries(all).map(([key, one]) => [key, Buffer.from(one)]));
}

function location(line: number, end = line): object {
  return { ranges: [{ start: { line }, end: { line: end } }] };
}

function targets(dockerfile: Dockerfile, content: string): Metadata {
  const last = dockerfile.stages.length - 1;
  const list = dockerfile.stages.map(({ index, from }) => ({
    ...(from.alias ? { name: from.alias } : {}),
    ...(index === last ? { default: true } : {}),
    ...commentOf(dockerfile, from.line, from.alias ?? ""),
    base: from.base,
    ...(from.platform ? { platform: from.platform } : {}),
    location: location(from.line),
  }));
  const shown = list
    .filter((one) => one.name || one.default)
    .map((one) => [one.default ? `${one.name ? `${one.name} ` : ""}(default)` : (one.name ?? ""), one.description ?? ""]);
  return answer({ targets: list, sources: [Buffer.from(content).toString("base64")] }, table([["TARGET", "DESCRIPTION"], ...shown]));
}

function outline(dockerfile: Dockerfile, content: string, request: BuildRequest): Metadata {
  const target = request.target ? stageNamed(dockerfile, request.target, dockerfile.stages.length) : dockerfile.stages.length - 1;
  if (target === undefined) throw unknownTarget(dockerfile, request.target ?? "");
  const needed = new Set([target]);
  for (const index of needed) for (const dependency of dependenciesOf(dockerfile, index)) needed.add(dependency);
  const instructions = [...needed].sort((a, b) => a - b).flatMap((index) => dockerfile.stages[index]!.instructions);
  const argsOf = (list: readonly Instruction[]) =>
    list.flatMap((instruction) =>
      instruction.keyword === "ARG" ? instruction.args.map((arg) => ({ ...arg, line: instruction.line })) : [],
    );
  const own = argsOf(instructions);
  // A global one counts where something of the stages uses it.
  const bases = [...needed]
    .map((index) => `${dockerfile.stages[index]?.from.base} ${dockerfile.stages[index]?.from.platform ?? ""}`)
    .join(" ");
  const global = argsOf(dockerfile.globalArgs).filter(
    ({ name }) => own.some((arg) => arg.name === name) || new RegExp(`\\$\\{?${name}\\b`).test(bases),
  );
  const args = [...global, ...own];
  // A stage's bare ARG is the global one of that name.
  const known = new Map<string, (typeof args)[number]>();
  for (const arg of args) if (arg.default !== undefined || !known.has(arg.name)) known.set(arg.name, arg);
  const values = new Map<string, string>();
  const shownArgs = [...known.values()].map((arg) => {
    const given = request.args[arg.name];
    const value =
      given ?? (arg.default === undefined ? undefined : expand(arg.default, (name) => values.get(name), dockerfile.directives.escape).text);
    if (value !== undefined) values.set(arg.name, value);
    return {
      name: arg.name,
      ...(given === undefined ? commentOf(dockerfile, arg.line, arg.name) : {}),
      ...(value ? { value } : {}),
      location: location(arg.line),
    };
  });
  const mounts = instructions.flatMap((instruction) =>
    instruction.keyword === "RUN" ? instruction.mounts.map((text) => ({ options: mountOptions(text), line: instruction.line })) : [],
  );
  const named = (type: string, fallback: (o: Map<string, string>) => string) =>
    mounts
      .filter(({ options }) => options.get("type") === type)
      .map(({ options, line }) => ({
        name: options.get("id") ?? fallback(options),
        ...(/^(1|t|true|)$/i.test(options.get("required") ?? "false") ? { required: true } : {}),
        location: location(line),
      }));
  const secrets = named("secret", (o) => (o.get("source") ?? o.get("src") ?? o.get("target") ?? "").split("/").at(-1) ?? "");
  const ssh = named("ssh", () => "default");
  const stage = dockerfile.stages[target]!;
  const value = {
    ...(stage.from.alias ? { name: stage.from.alias } : {}),
    ...commentOf(dockerfile, stage.from.line, stage.from.alias ?? ""),
    ...(shownArgs.length > 0 ? { args: shownArgs } : {}),
    ...(secrets.length > 0 ? { secrets } : {}),
    ...(ssh.length > 0 ? { ssh } : {}),
    sources: [Buffer.from(content).toString("base64")],
  };
  const needs = (title: string, list: { name: string; required?: boolean }[]) =>
    list.length > 0 ? [table([[title, "REQUIRED"], ...list.map((one) => [one.name, one.required ? "true" : ""])])] : [];
  const { description } = commentOf(dockerfile, stage.from.line, stage.from.alias ?? "");
  const title =
    description === undefined ? `TARGET: ${stage.from.alias}\n` : `TARGET:      ${stage.from.alias}\nDESCRIPTION: ${description}\n`;
  const text = [
    ...(stage.from.alias ? [title] : []),
    ...(shownArgs.length > 0
      ? [table([["BUILD ARG", "VALUE", "DESCRIPTION"], ...shownArgs.map((arg) => [arg.name, arg.value ?? "", arg.description ?? ""])])]
      : []),
    ...needs("SECRET", secrets),
    ...needs("SSH", ssh),
  ];
  return answer(value, text.map((part) => `${part}\n`).join(""));
}

function lint(dockerfile: Dockerfile, content: string, request: BuildRequest, builder: Builder): Metadata {
  const warnings: { ruleName: string; description: string; url: string; detail: string; location: object; line: number }[] = [];
  const source = { content, file: dockerfile.file };
  builder.lint(dockerfile, request, (detail, ruleName, line) => {
    warnings.push({
      ruleName,
      description: ruleDescription(ruleName),
      url: ruleUrl(ruleName),
      detail,
      location: location(line, endLine(source, line)),
      line,
    });
  });
  warnings.sort((a, b) => a.line - b.line);
  const text = warnings
    .map(({ ruleName, url, detail, line }) => `\nWARNING: ${ruleName} - ${url}\n${detail}\n${source.file}:${line}\n`)
    .join("");
  const value = {
    warnings: warnings.map(({ line: _, ...warning }) => warning),
    sources: [{ filename: dockerfile.file, data: Buffer.from(content).toString("base64"), language: "Dockerfile" }],
  };
  return answer(value, text, { "result.statuscode": warnings.length > 0 ? "1" : "0" });
}

/** The comment above an instruction that describes it: `# name description`. */
function commentOf(dockerfile: Dockerfile, line: number, name: string): { description?: string } {
  const above = /^\s*#\s*(.+?)\s*$/.exec(dockerfile.source[line - 2] ?? "")?.[1];
  return name !== "" && above?.startsWith(`${name} `) ? { description: above.slice(name.length + 1).trim() } : {};
}

function mountOptions(text: string): Map<string, string> {
  return new Map(
    text.split(",").map((option): [string, string] => [option.split("=")[0]!, option.slice(option.indexOf("=") + 1 || option.length)]),
  );
}

function unknownTarget(dockerfile: Dockerfile, target: string): BerthError {
  const close = nearest(
    target,
    dockerfile.stages.flatMap((stage) => stage.from.alias ?? []),
  );
  return new BerthError("build/dockerfile", `target stage "${target}" could not be found${close ? ` (did you mean ${close}?)` : ""}`);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)) + 3);
  return rows
    .map((row) => `${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!))).join("")}\n`)
    .join("");
}
