import { constants } from "node:os";
import { posix } from "node:path";
import type { ContainerConfig, HealthConfig } from "../api/index.ts";
import { messageOf } from "../system/index.ts";
import type { CommandForm, Instruction, Pair } from "./dockerfile/instruction.ts";
import { expand, type Lookup } from "./dockerfile/word-expansion.ts";
import { type StageState, withMetadata } from "./stage-state.ts";

export type MetadataKeyword =
  | "CMD"
  | "ENTRYPOINT"
  | "ENV"
  | "EXPOSE"
  | "HEALTHCHECK"
  | "LABEL"
  | "MAINTAINER"
  | "ONBUILD"
  | "SHELL"
  | "STOPSIGNAL"
  | "USER"
  | "VOLUME";

export interface ExpandText {
  (text: string): string;
  words(text: string): string[];
}

export function expander(lookup: Lookup, escapeChar: string, onUnset: (name: string) => void): ExpandText {
  const expanded = (text: string) => {
    try {
      return expand(text, lookup, escapeChar);
    } catch (error) {
      throw new Error(`failed to process ${JSON.stringify(text)}: ${messageOf(error)}`, { cause: error });
    }
  };
  const run = (text: string) => {
    const result = expanded(text);
    for (const name of result.unset) onUnset(name);
    return result;
  };
  return Object.assign((text: string) => run(text).text, { words: (text: string) => run(text).words });
}

/** Applies an instruction that changes only the image's configuration. Pure. Throws Error for a value that Docker refuses. */
export function applyMetadata(
  state: StageState,
  instruction: Extract<Instruction, { keyword: MetadataKeyword }>,
  text: ExpandText,
): StageState {
  const config = (change: ContainerConfig): Partial<StageState> => ({ config: { ...state.config, ...change } });
  switch (instruction.keyword) {
    case "ENV": {
      const pairs = expandPairs(instruction.pairs, instruction.legacy, text);
      const env = new Map((state.config.Env ?? []).map((entry): [string, string] => [entry.slice(0, entry.indexOf("=")), entry]));
      const scope = new Map(state.scope);
      for (const { name, value } of pairs) {
        env.set(name, `${name}=${value}`);
        scope.set(name, value);
      }
      return withMetadata(state, `ENV ${shown(pairs)}`, { ...config({ Env: [...env.values()] }), scope });
    }
    case "LABEL": {
      const pairs = expandPairs(instruction.pairs, instruction.legacy, text);
      const labels = Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
      return withMetadata(state, `LABEL ${shown(pairs)}`, config({ Labels: { ...state.config.Labels, ...labels } }));
    }
    case "CMD": {
      const command = argv(instruction.command, state);
      // Docker's field for Windows, which BuildKit sets with every CMD.
      const change = { config: { ...withCommand(state.config, "Cmd", command), ArgsEscaped: true } };
      return withMetadata(state, `CMD ${quoted(command)}`, { ...change, cmdSet: true });
    }
    case "ENTRYPOINT": {
      const command = argv(instruction.command, state);
      const base = state.cmdSet ? state.config : withCommand(state.config, "Cmd", []);
      return withMetadata(state, `ENTRYPOINT ${quoted(command)}`, { config: withCommand(base, "Entrypoint", command) });
    }
    case "EXPOSE": {
      // In the order of the words as they are written.
      const ports = [...instruction.words]
        .sort()
        .flatMap((word) => text.words(word))
        .flatMap(parsePorts);
      const exposed = Object.fromEntries(ports.map((port) => [port, {}]));
      return withMetadata(state, `EXPOSE [${ports.join(" ")}]`, config({ ExposedPorts: { ...state.config.ExposedPorts, ...exposed } }));
    }
    case "HEALTHCHECK":
      return withMetadata(state, `HEALTHCHECK ${shownHealth(instruction.check)}`, config({ Healthcheck: instruction.check }));
    case "MAINTAINER":
      return withMetadata(state, `MAINTAINER ${instruction.text}`, { author: instruction.text });
    case "ONBUILD":
      // No line of history: nothing happens before a child is built.
      return { ...state, ...config({ OnBuild: [...(state.config.OnBuild ?? []), instruction.trigger] }) };
    case "SHELL":
      return withMetadata(state, `SHELL [${instruction.shell.join(" ")}]`, config({ Shell: [...instruction.shell] }));
    case "STOPSIGNAL": {
      const signal = text(instruction.text);
      if (!isSignal(signal)) throw new Error(`invalid signal: ${signal}`);
      return withMetadata(state, `STOPSIGNAL ${signal}`, config({ StopSignal: signal }));
    }
    case "USER": {
      const user = text(instruction.text);
      return withMetadata(state, `USER ${user}`, config({ User: user }));
    }
    case "VOLUME": {
      const volumes = instruction.words.map((word) => text(word));
      if (volumes.some((volume) => volume === "")) throw new Error("VOLUME specified can not be an empty string");
      const added = Object.fromEntries(volumes.map((volume) => [volume, {} as Record<string, never>]));
      return withMetadata(state, `VOLUME [${volumes.join(" ")}]`, config({ Volumes: { ...state.config.Volumes, ...added } }));
    }
    default:
      return instruction satisfies never;
  }
}

/** A working directory joined with the one before it. */
export function joinWorkingDir(current: string | undefined, path: string): string {
  // An absolute one stays as it is written (NormalizeWorkdir of BuildKit's util/system).
  return path.startsWith("/") ? path : posix.resolve(current || "/", path);
}

/** The argument vector of CMD, ENTRYPOINT and RUN: shell text goes behind the SHELL. */
export function argv(command: CommandForm, state: StageState): string[] {
  return "exec" in command ? [...command.exec] : [...(state.config.Shell ?? ["/bin/sh", "-c"]), command.shell];
}

/** An empty array is no command: the field goes. */
function withCommand(config: ContainerConfig, name: "Cmd" | "Entrypoint", command: string[]): ContainerConfig {
  const { [name]: _, ...rest } = config;
  return command.length > 0 ? { ...rest, [name]: command } : rest;
}

function expandPairs(pairs: readonly Pair[], legacy: boolean, text: ExpandText): Pair[] {
  return pairs.map(({ name, value }) => ({ name: legacy ? name : text(name), value: text(value) }));
}

const shown = (pairs: readonly Pair[]): string => pairs.map(({ name, value }) => `${name}=${value}`).join(" ");
const quoted = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(" ")}]`;

/** "80", "80/udp", "8000-8002/tcp", with an address that is dropped. Throws Error. */
function parsePorts(text: string): string[] {
  const match = /^(?:.*:)?(\d+)(?:-(\d+))?(?:\/([A-Za-z]+))?$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  const protocol = (match?.[3] ?? "tcp").toLowerCase();
  if (match && !["tcp", "udp", "sctp"].includes(protocol))
    throw new Error(`invalid port: ${JSON.stringify(text)}: invalid proto: ${match[3]}`);
  if (!match || to < from || to > 65535) throw new Error(`invalid containerPort: ${text}`);
  return Array.from({ length: to - from + 1 }, (_, offset) => `${from + offset}/${protocol}`);
}

/** As Go prints the structure in BuildKit's history. */
function shownHealth(check: HealthConfig): string {
  const duration = (nanoseconds: number | undefined) => JSON.stringify(goDurationText(nanoseconds ?? 0));
  const retries = String.fromCharCode(check.Retries ?? 0);
  const rune = (check.Retries ?? 0) < 32 ? `'\\x${(check.Retries ?? 0).toString(16).padStart(2, "0")}'` : `'${retries}'`;
  return `&{${quoted(check.Test ?? [])} ${duration(check.Interval)} ${duration(check.Timeout)} ${duration(check.StartPeriod)} ${duration(check.StartInterval)} ${rune}}`;
}

function goDurationText(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e9) return `${nanoseconds / 1e6}ms`;
  const [hours, minutes, seconds] = [Math.floor(nanoseconds / 3.6e12), Math.floor(nanoseconds / 6e10) % 60, (nanoseconds % 6e10) / 1e9];
  return `${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${seconds}s`;
}

/** A number, a signal's name with or without SIG, or a real-time one (moby/sys signal). */
function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) > 0;
  const name = text.toUpperCase().replace(/^SIG/, "");
  return `SIG${name}` in constants.signals || /^RT(MIN(\+([1-9]|1[0-5]))?|MAX(-([1-9]|1[0-4]))?)$/.test(name);
}
