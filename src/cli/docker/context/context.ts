import { type Call, command, many } from "../command.ts";
import { listFormat, templateFormat } from "../format/format-flag.ts";
import { printListing } from "../format/listing.ts";
import { compileTemplate } from "../format/template.ts";
import { DockerExit } from "../usage-error.ts";
import { calledDocker, currentContextName, defaultAbout, defaultContext, storeCurrentContext } from "./current.ts";
import { checkName, contextNames, contextPaths, notFound, readContext, tlsFiles } from "./store.ts";

export const ls = command({
  usage: "[OPTIONS]",
  about: "List contexts",
  flags: `
    --format string  ${listFormat}
    -q, --quiet  Only show context names
  `,
  needsEngine: false,
  run: async (call) => {
    const current = currentContextName(call.env, call.globals);
    const stored = contextNames(call.env);
    const missing = current === "default" || stored.includes(current) ? [] : [current];
    const plain = call.flags.given("format") && call.flags.text("format") !== "table";
    const rows = ["default", ...stored, ...missing].sort().map((name) => {
      const { description, host, error } = missing.includes(name)
        ? { description: "", host: "", error: notFound(call.env, name) }
        : listed(call, name);
      return {
        Current: name === current,
        Description: description,
        DockerEndpoint: host,
        Error: plain ? error : shortened(error),
        Name: name === current && !plain && !call.flags.on("quiet") ? `${name} *` : name,
      };
    });
    printListing(call, rows, {
      quiet: "Name",
      type: "*formatter.clientContextContext",
      columns: [
        ["NAME", "Name"],
        ["DESCRIPTION", "Description"],
        ["DOCKER ENDPOINT", "DockerEndpoint"],
        ["ERROR", "Error"],
      ],
    });
    if (calledDocker() && call.env["DOCKER_HOST"] && !call.globals.text("context"))
      call.printError(`Warning: DOCKER_HOST environment variable overrides the active context. ${toUse("a context")}`);
  },
});

function listed(call: Call, name: string): { description: string; host: string; error: string } {
  if (name === "default")
    return { description: defaultAbout(), host: defaultContext(call, call.globals).Endpoints?.docker?.Host ?? "", error: "" };
  const { Metadata, Endpoints } = readContext(call.env, name);
  const host = Endpoints?.docker?.Host;
  return {
    description: Metadata?.Description ?? "",
    host: host ?? "",
    error: Endpoints?.docker ? "" : "cannot find docker endpoint in context",
  };
}

const shortened = (text: string): string => (text.length > 45 ? `${text.slice(0, 44)}…` : text);
const toUse = (what: string): string => `To use ${what}, either set the global --context flag, or unset DOCKER_HOST environment variable.`;

export const show = command({
  usage: "",
  about: "Print the name of the current context",
  needsEngine: false,
  run: async ({ print, env, globals }) => print(currentContextName(env, globals)),
});

export const inspect = command({
  usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  about: "Display detailed information on one or more contexts",
  flags: `-f, --format string  ${templateFormat}`,
  arity: [0, many],
  needsEngine: false,
  run: async (call) => {
    const format = call.flags.text("format");
    const names = call.args.length > 0 ? call.args : [currentContextName(call.env, call.globals)];
    const found: object[] = [];
    const missing: string[] = [];
    for (const name of names) {
      try {
        found.push(inspected(call, name));
      } catch (error) {
        if (!(error instanceof DockerExit)) throw error;
        missing.push(error.message);
      }
    }
    if (format === undefined) call.print(escaped(JSON.stringify(found, undefined, 4)));
    else if (format === "json") call.print(escaped(JSON.stringify(found)));
    else for (const one of found) call.print(compileTemplate(format)(one));
    if (missing.length > 0) throw new DockerExit(1, missing.join("\n"));
  },
});

/** JSON as Go writes it. */
const escaped = (json: string): string => json.replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026");

function inspected(call: Call, name: string): object {
  const { meta, tls } = contextPaths(call.env, name);
  const files = name === "default" ? [] : Object.keys(tlsFiles(call.env, name));
  const { Name, Metadata, Endpoints } = name === "default" ? defaultContext(call, call.globals) : readContext(call.env, name);
  return {
    Name,
    Metadata: Metadata ?? {},
    Endpoints: Endpoints ?? {},
    TLSMaterial: files.length > 0 ? { docker: files } : {},
    Storage: name === "default" ? { MetadataPath: "<IN MEMORY>", TLSPath: "<IN MEMORY>" } : { MetadataPath: meta, TLSPath: tls },
  };
}

export const use = command({
  usage: "CONTEXT",
  about: "Set the current docker context",
  arity: [1, 1],
  needsEngine: false,
  run: async ({ args: [name = ""], print, printError, env }) => {
    if (name !== "default") {
      checkName(name);
      readContext(env, name);
    }
    storeCurrentContext(env, name);
    print(name);
    printError(`Current context is now ${JSON.stringify(name)}`);
    if (name === "default") return;
    if (!calledDocker())
      printError(
        `Warning: \`berth docker\` talks to Berth's own engine. To use ${JSON.stringify(name)}, set the global --context flag, or call it \`docker\`.`,
      );
    else if (env["DOCKER_HOST"])
      printError(`Warning: DOCKER_HOST environment variable overrides the active context. ${toUse(JSON.stringify(name))}`);
  },
});
