import { compileTemplate, type TemplateOptions } from "../docker/format/template.ts";
import { columns } from "./columns.ts";

/**
 * Rows as --format asks: "json" is one object a line, its fields in the order of the alphabet, "table TEMPLATE" a table under the fields' names, everything else a
 * Go template a row. `type`: as compileTemplate takes it. @throws TemplateError
 */
export function formatRows(
  format: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  o: { type?: string; idHead?: string; columns?: readonly (readonly [head: string, field: string])[] } = {},
): string[] {
  if (format === "json" || /^\{\{\s*json \.\s*\}\}$/.test(format)) return rows.map(jsonRow);
  const text = plainText(format.replace(/^table\s+/, ""));
  const lines = rows.map(compileTemplate(text, o.type === undefined ? {} : { type: o.type }));
  if (!/^table\s/.test(format)) return lines;
  return [
    columns(
      [heads(text, o), ...lines].map((line) => line.split("\t")),
      { least: 10 },
    ),
  ];
}

/** A row as Go marshals a map: sorted, and safe within HTML. */
function jsonRow(row: Readonly<Record<string, unknown>>): string {
  const sorted = Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify(sorted).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

/** The same template run for the names of the fields; what its functions do to a value they do not do to a name. */
function heads(text: string, o: { idHead?: string; columns?: readonly (readonly [head: string, field: string])[] }): string {
  const named = new Map((o.columns ?? []).map(([head, field]) => [field, head]));
  const fields = [...text.matchAll(/\.(\w+)/g)].map(
    ([, field = ""]) => [field, (field === "ID" ? o.idHead : undefined) ?? named.get(field) ?? headOf(field)] as const,
  );
  const plain = Object.fromEntries(shaping.map((name) => [name, (value: unknown) => value]));
  const methods = { Label: (name: unknown) => String(name).replace(/^.*\./, "").replace(/[-_]/g, " ").toUpperCase() };
  return compileTemplate(text, { functions: plain as NonNullable<TemplateOptions["functions"]> })({
    ...Object.fromEntries(fields),
    ...methods,
  });
}

const shaping = ["json", "split", "join", "title", "lower", "upper", "pad", "truncate"];

const plainText = (text: string): string => text.replaceAll("\\t", "\t").replaceAll("\\n", "\n");

/** "MemUsage" -> "MEM USAGE", and the heads that Docker names otherwise. */
function headOf(field: string): string {
  const known: Readonly<Record<string, string>> = {
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
    ID: "CONTAINER ID",
    CreatedSince: "CREATED",
    RunningFor: "CREATED",
    TotalCount: "TOTAL",
  };
  return known[field] ?? field.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toUpperCase();
}
