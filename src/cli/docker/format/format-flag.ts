/** What help says about `--format` of a command that shows objects. */
export const templateFormat = `Format output using a custom template:\\n'json':             Print in JSON format\\n'TEMPLATE':         Print output using the given Go template.\\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`;

/** What help says about `--format` of a command that shows a table. */
export const listFormat = templateFormat.replace(
  "'json':",
  "'table':            Print output in table format with column headers (default)\\n'table TEMPLATE':   Print output in table format using the given Go template\\n'json':",
);
