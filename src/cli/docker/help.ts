import type { DockerCommand } from "./command.ts";
import type { FlagSpec } from "./flags.ts";
import { commands, managementAbout, shortNames } from "./words.ts";

/** The usage line of a command under its full name; further lines of its usage carry their own name. */
export function usageLine(name: string, one: DockerCommand): string {
  const [first = "", ...others] = one.usage.split("\n");
  return [`Usage:  docker ${name}${first ? ` ${first}` : ""}`, ...others.map((line) => `\t${line}`)].join("\n");
}

/** What `docker NAME --help` says. */
export function helpText(name: string, one: DockerCommand, columns: number): string {
  const names = namesOf(shortNames[name] ?? name);
  const aliases = names.length > 1 ? `\nAliases:\n  ${names.map((each) => `docker ${each}`).join(", ")}\n` : "";
  const options = flagLines(one.flags, columns);
  return `${usageLine(name, one)}\n\n${one.about}\n${aliases}${options ? `\nOptions:\n${options}\n` : ""}`;
}

/** Every name of a command: the full one, the others of its group, then those that stand alone. */
function namesOf(full: string): string[] {
  const others = Object.keys(shortNames).filter((name) => shortNames[name] === full);
  const moved = full === "image build" ? ["builder build"] : []; // where it was for a while
  return [full, ...others.filter((name) => name.includes(" ")).sort(), ...others.filter((name) => !name.includes(" ")), ...moved];
}

/** The flags as pflag shows them: two columns, what does not fit into `columns` goes on in the second. */
function flagLines(flags: readonly FlagSpec[], columns: number): string {
  const rows = flags
    .filter((flag) => !flag.hidden)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => {
      const head = `${flag.short ? `  -${flag.short}, ` : "      "}--${flag.name}${flag.word ? ` ${flag.word}` : ""}`;
      return [head, flag.about] as const;
    });
  const width = Math.max(0, ...rows.map(([head]) => head.length));
  return rows.map(([head, about]) => `${head.padEnd(width)}   ${wrapped(about, width + 3, columns - 1)}`.trimEnd()).join("\n");
}

/** pflag's wrapping: at the last blank before the edge, and not at all where what is left fits with five columns to spare. */
function wrapped(text: string, indent: number, columns: number): string {
  const slop = 5;
  const edge = columns - indent - slop;
  if (edge + slop < 24) return text.replaceAll("\n", `\n${" ".repeat(indent)}`);
  const lines: string[] = [];
  let rest = text;
  while (rest !== "") {
    const [line, left] = firstLine(rest, edge, slop);
    lines.push(...line.split("\n"));
    rest = left;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}

function firstLine(text: string, edge: number, slop: number): [line: string, rest: string] {
  if (edge + slop > text.length) return [text, ""];
  const head = text.slice(0, edge);
  const blank = Math.max(head.lastIndexOf(" "), head.lastIndexOf("\t"), head.lastIndexOf("\n"));
  if (blank <= 0) return [text, ""];
  const newline = head.lastIndexOf("\n");
  const at = newline > 0 && newline < blank ? newline : blank;
  return [text.slice(0, at), text.slice(at + 1)];
}

/** What `docker GROUP --help` says. */
export async function groupHelp(group: string): Promise<string> {
  const names = Object.keys(commands).filter((name) => name.startsWith(`${group} `) && !hidden.has(name));
  const rows = await Promise.all(
    names.map(async (name) => [name.slice(group.length + 1), brief((await commands[name]?.())?.about ?? "")] as const),
  );
  return `Usage:  docker ${group} COMMAND\n\n${managementAbout[group]}\n\nCommands:\n${columnsOf(rows)}\n\nRun 'docker ${group} COMMAND --help' for more information on a command.\n`;
}

/** The first sentence of what a command is about. */
const brief = (about: string): string => about.split(/\.\s|\n\n/)[0] ?? "";

/** Berth's own, and what only a swarm has. */
const hidden = new Set(["image bootstrap", "volume update"]);
const common = "run exec ps build pull push images login logout search version info".split(" ");

/** What `docker --help` says. */
export async function topHelp(globals: readonly FlagSpec[], columns: number): Promise<string> {
  const about = async (name: string) => brief((await commands[shortNames[name] ?? name]?.())?.about ?? "");
  const rows = (names: readonly string[]) => Promise.all(names.map(async (name) => [name, await about(name)] as const));
  const others = [...Object.keys(shortNames), ...Object.keys(commands)]
    .filter((name) => !name.includes(" ") && !common.includes(name))
    .sort();
  const groups = Object.entries({ ...managementAbout, compose: "Define and run multi-container applications with Berth" }).sort();
  return `Usage:  docker [OPTIONS] COMMAND

A self-sufficient runtime for containers

Common Commands:
${columnsOf(await rows(common))}

Management Commands:
${columnsOf(groups)}

Commands:
${columnsOf(await rows(others))}

Global Options:
${flagLines(globals, columns)}

Run 'docker COMMAND --help' for more information on a command.

For more help on how to use Docker, head to https://docs.docker.com/go/guides/
`;
}

function columnsOf(rows: readonly (readonly [name: string, about: string])[]): string {
  const width = Math.max(11, ...rows.map(([name]) => name.length));
  return [...rows]
    .sort(([a], [b]) => (common.includes(a) && common.includes(b) ? common.indexOf(a) - common.indexOf(b) : a < b ? -1 : 1))
    .map(([name, about]) => `  ${name.padEnd(width)} ${about}`)
    .join("\n");
}
