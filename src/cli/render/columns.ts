/** Left-aligned columns, `gap` blanks apart (three, as Docker's tables are), each at least `least` wide with its gap. The last one is not padded. */
export function columns(rows: readonly (readonly string[])[], { least = 0, gap = 3 }: { least?: number; gap?: number } = {}): string {
  const widths: number[] = [];
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length + gap, least);
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join(""))
    .join("\n");
}

/** At most this many characters; an ellipsis stands for what was cut off. */
export function ellipsis(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
