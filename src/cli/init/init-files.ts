import { knownServices } from "./known-services.ts";
import type { ProjectFiles, Stack } from "./stack.ts";
import { detectStack } from "./stacks.ts";

export interface InitPlan {
  /** What was found, for people. */
  readonly found: string;
  /** Path and content of each file to write. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** What is there already and is used as it is. */
  readonly kept: readonly string[];
}

/** The files that bring this directory's application up, with these services and those that its dependencies need. Undefined where there is nothing to write for. */
export function initPlan(directory: ProjectFiles, asked: readonly string[]): InitPlan | undefined {
  const stack = detectStack(directory);
  const services = [...new Set([...asked, ...(stack?.needs ?? [])])].sort();
  if (!stack && services.length === 0) return undefined;
  const wanted = [
    { path: "compose.yaml", content: composeText(stack, services) },
    ...(stack
      ? [
          { path: "Dockerfile", content: stack.dockerfile },
          { path: ".dockerignore", content: `${stack.ignore.join("\n")}\n` },
        ]
      : []),
  ];
  return {
    found: [stack?.language, ...services].filter(Boolean).join(", "),
    files: wanted.filter(({ path }) => !directory.has(path)),
    kept: wanted.flatMap(({ path }) => (directory.has(path) ? [path] : [])),
  };
}

/** compose.yaml; with comments, because it is the beginning of somebody's own file. */
function composeText(stack: Stack | undefined, services: readonly string[]): string {
  const known = services.flatMap((name) => (knownServices[name] ? [{ name, service: knownServices[name] }] : []));
  const volumes = known.flatMap(({ service }) => (service.volume ? [`  ${service.volume}:`] : []));
  return `${[
    "# `berth up --watch` builds it, starts it and brings in what you change. Passwords are for development.",
    "services:",
    ...(stack ? appLines(stack, known) : []),
    ...known.flatMap(({ name, service }) => ["", `  ${name}:`, ...service.lines.map((line) => `    ${line}`)]).slice(stack ? 0 : 1),
    ...(volumes.length > 0 ? ["", "volumes:", ...volumes] : []),
  ].join("\n")}\n`;
}

function appLines(stack: Stack, known: readonly { name: string; service: (typeof knownServices)[string] }[]): string[] {
  // A second database has a name of its own: one key twice is no YAML.
  const taken = new Set<string>();
  const variables = known.map(({ name, service: { address } }) => {
    const variable = taken.has(address.variable) ? `${name.toUpperCase()}_URL` : address.variable;
    taken.add(variable);
    return `      ${variable}: ${address.value}`;
  });
  const rules = stack.watch.flatMap(({ why, action, path, target, ignore }) => [
    `        # ${why}`,
    `        - action: ${action}`,
    `          path: ${path === "." ? "." : `./${path}`}`,
    ...(target ? [`          target: ${target}`] : []),
    ...(ignore?.length ? [`          ignore: ${JSON.stringify(ignore)}`] : []),
  ]);
  return [
    "  app:",
    "    build: .",
    "    init: true",
    `    ports: ["127.0.0.1:\${APP_PORT:-${stack.port}}:${stack.port}"]`,
    ...(variables.length > 0 ? ["    environment:", ...variables] : []),
    ...(known.length > 0 ? ["    depends_on:", ...known.map(({ name }) => `      ${name}: {condition: service_healthy}`)] : []),
    "    develop:",
    "      watch:",
    ...rules,
  ];
}
