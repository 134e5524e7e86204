import { nearest } from "./dockerfile-error.ts";

type FlagKind = "text" | "flag" | "list";
type FlagValues<S extends Record<string, FlagKind>> = {
  readonly [K in keyof S]: S[K] extends "flag" ? boolean | undefined : S[K] extends "list" ? readonly string[] : string | undefined;
};

/** The flags of one instruction by their declared kinds. Throws Error for an unknown, repeated or malformed flag. */
export function readFlags<const S extends Record<string, FlagKind>>(flags: readonly string[], kinds: S): FlagValues<S> {
  const values: Record<string, string | boolean | string[] | undefined> = {};
  for (const [name, kind] of Object.entries(kinds)) values[name] = kind === "list" ? [] : undefined;
  for (const flag of flags) {
    const [, name = "", value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(flag) ?? [];
    const kind = kinds[name];
    if (!kind) {
      const meant = nearest(name, Object.keys(kinds));
      throw new Error(`unknown flag: --${name}${meant ? ` (did you mean ${meant}?)` : ""}`);
    }
    const current = values[name];
    if (kind === "list") {
      if (value === undefined) throw new Error(`missing a value on flag: --${name}`);
      (current as string[]).push(value); // lists start as []
      continue;
    }
    if (current !== undefined) throw new Error(`duplicate flag specified: --${name}`);
    if (kind === "flag") {
      if (value !== undefined && value !== "true" && value !== "false")
        throw new Error(`expecting boolean value for flag --${name}, not: ${value}`);
      values[name] = value !== "false";
    } else {
      if (value === undefined) throw new Error(`missing a value on flag: --${name}`);
      values[name] = value;
    }
  }
  return values as FlagValues<S>; // each value was made for its kind
}
