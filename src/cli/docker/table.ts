import { humanDuration as humanSpan } from "../../api/index.ts";

/** Columns as Docker prints them: upper-case heads, each as wide as its widest cell and three spaces, and at least ten wide. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, index) => Math.max(head.length, ...rows.map((row) => (row[index] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === heads.length - 1 ? cell : cell.padEnd(Math.max(10, (widths[index] ?? 0) + 3)))).join("");
  return [heads, ...rows].map(line).join("\n");
}

/** An age in seconds, in Docker's words. */
export function humanDuration(seconds: number): string {
  return humanSpan(seconds * 1000);
}

/** go-units' HumanSizeWithPrecision(3): decimal units, three significant digits. */
export function humanSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${Number(size.toPrecision(3))}${units[unit]}`;
}
