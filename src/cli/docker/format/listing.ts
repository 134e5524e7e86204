import { formatRows } from "../../render/format-rows.ts";
import type { Call } from "../command.ts";
import { table } from "../table.ts";

/** `.Label "name"` of a row. */
export const labelOf =
  (labels: Readonly<Record<string, string>> | null | undefined) =>
  (name: unknown): string =>
    labels?.[String(name)] ?? "";

/** A list as `--format` and `--quiet` ask: the ids alone, JSON lines, a Go template a row, or Docker's table of these columns. */
export function printListing(
  { flags, print }: Call,
  rows: readonly Readonly<Record<string, unknown>>[],
  o: { columns: readonly (readonly [head: string, field: string])[]; quiet?: string; type?: string; idHead?: string },
): void {
  const format = flags.text("format") || undefined;
  if (o.quiet !== undefined && flags.on("quiet")) {
    for (const row of rows) print(String(row[o.quiet]));
  } else if (format !== undefined && format !== "table") for (const line of formatRows(format, rows, o)) print(line);
  else
    print(
      table(
        o.columns.map(([head]) => head),
        rows.map((row) => o.columns.map(([, field]) => String(row[field] ?? ""))),
      ),
    );
}
