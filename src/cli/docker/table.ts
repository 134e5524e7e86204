import { humanDuration as humanSpan } from "../../api/index.ts";

/** Columns as Docker prints them: upper-case heads, each as wide as its widest cell, three spaces between. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, index) => Math.max(head.length, ...rows.map((row) => (row[index] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === heads.length - 1 ? cell : cell.padEnd((widths[index] ?? 0) + 3))).join("");
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

/** A time as Go prints it: "2026-01-31 09:05:00 +0000 UTC", in the local zone. */
export function goTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(Math.abs(value)).padStart(2, "0");
  const offset = -at.getTimezoneOffset();
  const zone = offset === 0 ? "UTC" : (/\(?([A-Z]{2,5})\)?$/.exec(at.toLocaleTimeString("en-US", { timeZoneName: "short" }))?.[1] ?? "");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${day} ${time} ${offset < 0 ? "-" : "+"}${two(Math.trunc(offset / 60))}${two(offset % 60)} ${zone}`.trimEnd();
}
