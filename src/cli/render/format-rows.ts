import { compileTemplate } from "../docker/format/template.ts";
import { columns } from "./columns.ts";

/** Rows as --format asks: "json" is one object a line, its fields in the order of the alphabet, "table TEMPLATE" a table under the fields' names, everything else a Go template a row. */
export function formatRows(format: string, rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  if (format === "json")
    return rows.map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))));
  const text = plainText(format.replace(/^table\s+/, ""));
  const render = compileTemplate(text);
  const lines = rows.map(render);
  if (!format.startsWith("table")) return lines;
  const head = text.replace(/\{\{-?\s*\.(\w+)[^}]*\}\}/g, (_, field: string) => headOf(field));
  return [
    columns(
      [head, ...lines].map((line) => line.split("\t")),
      { least: 10 },
    ),
  ];
}

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
  };
  return known[field] ?? field.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toUpperCase();
}
