/** Left-aligned columns, three spaces apart, as Docker's tables are. The last column is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd((widths[index] ?? 0) + 3))).join(""))
    .join("\n");
}

/** At most this many characters; an ellipsis stands for what was cut off. */
export function ellipsis(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
