import { formatRows } from "../../render/format-rows.ts";
import { command } from "../command.ts";
import { filterQuery } from "../filters.ts";

/** The engine refuses it by name: there is no such API outside Docker Hub. What is wrong with the question is said first, as by Docker. */
export const search = command({
  usage: "[OPTIONS] TERM",
  about: "Search Docker Hub for images",
  flags: `
    -f, --filter filter...  Filter output based on conditions provided
    --format string  Pretty-print search using a Go template
    --limit int  Max number of search results
    --no-trunc  Don't truncate output
  `,
  arity: [1, 1],
  run: async ({ engine, flags, args: [term], print }) => {
    const query = { term, limit: flags.text("limit"), filters: filterQuery(flags.list("filter")) };
    const found = await engine.json<Record<string, unknown>[]>("GET", "/images/search", { query });
    for (const line of formatRows(flags.text("format") ?? "{{.name}}", found)) print(line);
  },
});
