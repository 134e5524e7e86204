import { type Call, command, many } from "../command.ts";
import { listFormat, templateFormat } from "../format/format-flag.ts";
import { printListing } from "../format/listing.ts";
import { compileTemplate } from "../format/template.ts";
import { DockerExit } from "../usage-error.ts";

/** There is one context, "default": this user's engine. The words of Docker's own are there for scripts that ask for it. */
const about = ({ engine }: Call) => ({
  Current: true,
  Description: "The engine of this machine",
  DockerEndpoint: `unix://${engine.socketPath}`,
  Error: "",
  Name: "default",
});

export const ls = command({
  usage: "[OPTIONS]",
  about: "List contexts",
  flags: `
    --format string  ${listFormat}
    -q, --quiet  Only show context names
  `,
  run: async (call) => {
    const rows = [{ ...about(call), Name: call.flags.given("format") || call.flags.on("quiet") ? "default" : "default *" }];
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
  },
});

export const show = command({
  usage: "",
  about: "Print the name of the current context",
  run: async ({ print }) => print("default"),
});

export const inspect = command({
  usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  about: "Display detailed information on one or more contexts",
  flags: `-f, --format string  ${templateFormat}`,
  arity: [0, many],
  run: async (call) => {
    for (const name of call.args) checkName(name);
    const { Name, DockerEndpoint } = about(call);
    const object = {
      Name,
      Metadata: {},
      Endpoints: { docker: { Host: DockerEndpoint, SkipTLSVerify: false } },
      TLSMaterial: {},
      Storage: {},
    };
    const format = call.flags.text("format");
    call.print(format === undefined || format === "json" ? JSON.stringify([object], undefined, 4) : compileTemplate(format)(object));
  },
});

export const use = command({
  usage: "CONTEXT",
  about: "Set the current docker context",
  arity: [1, 1],
  run: async ({ args: [name = ""], print }) => {
    checkName(name);
    print(`${name}\nCurrent context is now ${JSON.stringify(name)}`);
  },
});

/** @throws DockerExit */
export function checkName(name: string): void {
  if (name !== "default") throw new DockerExit(1, `context ${JSON.stringify(name)}: context not found: Berth has one context, "default"`);
}
