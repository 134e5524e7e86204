import { goBoolFault, parseGoBool } from "../../api/index.ts";
import { bytesProblem } from "./bytes.ts";
import { UsageError } from "./usage-error.ts";

export type FlagKind = "bool" | "string" | "list" | "strings" | "map" | "int" | "uint16" | "decimal" | "duration" | "bytes";

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  readonly kind: FlagKind;
  /** The word that help shows for the value ("list", "network"). */
  readonly word: string;
  readonly about: string;
  /** Taken, but not shown by help: an old name, or what only another system, an experimental engine or a swarm has. */
  readonly hidden?: "old" | "windows" | "experimental" | "swarm";
}

const kinds = new Set<string>(["string", "list", "strings", "map", "int", "uint16", "decimal", "duration", "bytes"]);

/**
 * One flag a line, as help shows them: `-a, --all  Show all`, `--name string  A name`. No word: a switch. An unknown word is a string;
 * `word...` is a list that help calls `word`, `strings...` one whose values are also parted by commas. An about of "(old)", "(windows)", "(experimental)" or "(swarm)" hides
 * the flag; "\\n" in an about is a new line.
 */
export function flagSpecs(text: string): FlagSpec[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const match = /^(?:-(\w), )?--([\w-]+)(?: (\S+))?(?: {2,}(.*))?$/.exec(line);
      if (!match) throw new Error(`no flag: ${line}`);
      const [, short, name = "", word = "", about = ""] = match;
      const shown = word.replace(/\.\.\.$/, "");
      const kind: FlagKind =
        word === ""
          ? "bool"
          : word === "strings..."
            ? "strings"
            : word.endsWith("...")
              ? "list"
              : kinds.has(word)
                ? (word as FlagKind)
                : "string";
      const hidden = /^\((old|windows|experimental|swarm)\)$/.exec(about)?.[1] as FlagSpec["hidden"]; // the pattern allows no other word
      return { name, kind, word: shown, about: about.replaceAll("\\n", "\n"), ...(short ? { short } : {}), ...(hidden ? { hidden } : {}) };
    });
}

/** What was given, by long name. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  given(name: string): boolean {
    return this.#values.has(name);
  }
  /** The last value. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }
  on(name: string, fallback = false): boolean {
    const value = this.text(name);
    return value === undefined ? fallback : parseGoBool(value) === true;
  }
  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
  int(name: string): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : Number(value);
  }
}

/**
 * Takes arguments apart as pflag does: `--name value`, `--name=value`, clusters of short ones, `-p80:80`, `--` ends them.
 * `interspersed: false` ends them at the first positional too (run, exec).
 * @throws UsageError in pflag's words
 */
export function parseFlags(
  argv: readonly string[],
  specs: readonly FlagSpec[],
  o: { interspersed: boolean; checks?: Readonly<Record<string, (value: string) => string | undefined>> | undefined },
): { flags: Flags; args: string[]; help: boolean } {
  const values = new Map<string, string[]>();
  const args: string[] = [];
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const byShort = new Map(specs.flatMap((spec) => (spec.short ? [[spec.short, spec] as const] : [])));
  let help = false;
  const set = (spec: FlagSpec, value: string, shown: string) => {
    checkValue(spec, value, shown);
    const wrong = o.checks?.[spec.name]?.(value);
    if (wrong !== undefined) throw new UsageError(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${wrong}`);
    values.set(spec.name, [...(values.get(spec.name) ?? []), ...(spec.kind === "strings" ? value.split(",") : [value])]);
  };
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") {
      args.push(...argv.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      if (!o.interspersed) {
        args.push(...argv.slice(at));
        break;
      }
      args.push(word);
    } else if (word.startsWith("--")) {
      const [, name = "", inline] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const spec = byName.get(name);
      if (name === "help") help = true;
      else if (!spec) {
        throw new UsageError(`unknown flag: --${name}`);
      } else if (inline !== undefined) set(spec, inline, shownName(spec));
      else if (spec.kind === "bool") set(spec, "true", shownName(spec));
      else if (at + 1 < argv.length) set(spec, argv[++at] ?? "", shownName(spec));
      else throw new UsageError(`flag needs an argument: --${name}`);
    } else {
      for (let i = 1; i < word.length; i++) {
        const letter = word[i] ?? "";
        const spec = byShort.get(letter);
        const rest = word.slice(i + 1);
        if (!spec) {
          if (letter === "h") help = true;
          else throw new UsageError(`unknown shorthand flag: '${letter}' in ${word.slice(0, 1) + word.slice(i)}`);
        } else if (rest.startsWith("=")) {
          set(spec, rest.slice(1), shownName(spec));
          break;
        } else if (spec.kind === "bool") set(spec, "true", shownName(spec));
        else if (rest !== "") {
          set(spec, rest, shownName(spec));
          break;
        } else if (at + 1 < argv.length) set(spec, argv[++at] ?? "", shownName(spec));
        else throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
      }
    }
  }
  return { flags: new Flags(values), args, help };
}

const shownName = (spec: FlagSpec): string => (spec.short ? `-${spec.short}, --${spec.name}` : `--${spec.name}`);

function checkValue(spec: FlagSpec, value: string, shown: string): void {
  const invalid = (why: string) => new UsageError(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${why}`);
  if (spec.kind === "bool" && parseGoBool(value) === undefined) throw invalid(goBoolFault(value));
  if (spec.kind === "int" && !/^[+-]?\d+$/.test(value)) throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  const size = spec.kind === "bytes" && !(value === "-1" && spec.name === "memory-swap") ? bytesProblem(value) : undefined;
  if (size !== undefined) throw invalid(size);
  if (spec.kind === "decimal" && !/^[+-]?\d*\.?\d+$/.test(value)) throw invalid(`failed to parse ${value} as a rational number`);
}
