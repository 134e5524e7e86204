/** Nanoseconds of the units that Go's time.ParseDuration knows; both letters that stand for micro. */
export const goUnitsNs = { ns: 1, us: 1e3, "\u00b5s": 1e3, "\u03bcs": 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const;

/** int64 nanoseconds, which is what Go holds a duration in: about 292 years. */
const mostNs = 2 ** 63;

/**
 * Go's time.ParseDuration: a sign, then numbers with a fraction, each with its unit (`1h30m`, `-1.5s`, `.5m`, `2.s`), or 0 alone. Nanoseconds, rounded to whole ones;
 * undefined for what is none. `unitsNs`: other units than Go's.
 */
export function parseGoDuration(text: string, unitsNs: Readonly<Record<string, number>> = goUnitsNs): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  const sign = text.startsWith("-") ? -1 : 1;
  const parts = text.replace(/^[-+]/, "");
  if (!/^((\d+\.?\d*|\.\d+)[^\d.]+)+$/.test(parts)) return undefined;
  let sumNs = 0;
  for (const [, amount, unit = ""] of parts.matchAll(/(\d+\.?\d*|\.\d+)([^\d.]+)/g)) {
    if (!Object.hasOwn(unitsNs, unit)) return undefined;
    sumNs += Number(amount) * (unitsNs[unit] ?? 0);
  }
  return sumNs < mostNs ? sign * Math.round(sumNs) + 0 : undefined;
}

/** What time.ParseDuration says of a text that it refuses. */
export function goDurationFault(text: string): string {
  const shown = JSON.stringify(text);
  const parts = text.replace(/^[-+]/, "").matchAll(/(\d+\.?\d*|\.\d+)([^\d.]*)|./gs);
  for (const [, number, unit] of parts) {
    if (number === undefined) break;
    if (unit === "") return `time: missing unit in duration ${shown}`;
    if (!Object.hasOwn(goUnitsNs, unit ?? "")) return `time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`;
  }
  return `time: invalid duration ${shown}`;
}
