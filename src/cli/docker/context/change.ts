import { resolve } from "node:path";
import { parseGoBool } from "../../../api/index.ts";
import { type Call, command, many } from "../command.ts";
import { DockerExit } from "../usage-error.ts";
import { currentContextName, defaultAbout, defaultContext, storeCurrentContext } from "./current.ts";
import {
  type ContextFile,
  checkNewName,
  type DockerEndpoint,
  hasContext,
  readContext,
  readNamed,
  removeContext,
  type TlsFiles,
  tlsFiles,
  writeContext,
  writeTlsFiles,
} from "./store.ts";

const endpointHelp = (verb: string) => `
Docker endpoint config:

NAME                DESCRIPTION
from                Copy named context's Docker endpoint configuration
host                Docker endpoint on which to connect
ca                  Trust certs signed only by this CA
cert                Path to TLS certificate file
key                 Path to TLS key file
skip-tls-verify     Skip TLS certificate validation

Example:

$ docker context ${verb} my-context --description "some description" --docker "host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"`;

const endpointFlag = "--docker stringToString...  set the docker endpoint (default [])";
const checks = {
  docker: (value: string) => {
    const wrong = value.split(",").find((pair) => !pair.includes("="));
    return wrong === undefined ? undefined : `${wrong} must be formatted as key=value`;
  },
};

export const create = command({
  usage: "[OPTIONS] CONTEXT",
  about: `Create a context\n${endpointHelp("create")}`,
  flags: `
    --description string  Description of the context
    ${endpointFlag}
    --from string  create context from a named context
  `,
  checks,
  arity: [1, 1],
  needsEngine: false,
  run: async (call) => {
    const [name = ""] = call.args;
    checkNewName(name);
    if (hasContext(call.env, name)) throw new DockerExit(1, `context ${JSON.stringify(name)} already exists`);
    const from = call.flags.text("from");
    if (from && call.flags.given("docker")) throw new DockerExit(1, "cannot use --docker flag when --from is set");
    // Without an endpoint, the one that counts now is taken over, with what it is about.
    const copied = call.flags.given("docker") ? undefined : existing(call, from || currentContextName(call.env, call.globals));
    const endpoint = copied ? { docker: copied.endpoint, tls: copied.tls } : given(call);
    const description = call.flags.text("description") ?? copied?.description;
    save(call, { name, description, endpoint, done: "created" });
  },
});

export const update = command({
  usage: "[OPTIONS] CONTEXT",
  about: `Update a context\n${endpointHelp("update")}`,
  flags: `
    --description string  Description of the context
    ${endpointFlag}
  `,
  checks,
  arity: [1, 1],
  needsEngine: false,
  run: async (call) => {
    const [name = ""] = call.args;
    checkNewName(name);
    const { endpoint, tls, description } = existing(call, name);
    save(call, {
      name,
      description: call.flags.text("description") || description,
      endpoint: call.flags.given("docker") ? given(call) : { docker: endpoint, tls },
      done: "updated",
    });
  },
});

export const rm = command({
  usage: "CONTEXT [CONTEXT...]",
  about: "Remove one or more contexts",
  flags: "-f, --force  Force the removal of a context in use",
  arity: [1, many],
  needsEngine: false,
  run: async (call) => {
    const current = currentContextName(call.env, call.globals);
    const force = call.flags.on("force");
    const problems: string[] = [];
    for (const name of call.args) {
      const problem = whyKept(call, name, current, force);
      if (problem) problems.push(problem);
      else {
        if (name === current) storeCurrentContext(call.env, "default");
        removeContext(call.env, name);
        call.print(name);
      }
    }
    if (problems.length > 0) throw new DockerExit(1, problems.join("\n"));
  },
});

function whyKept({ env }: Call, name: string, current: string, force: boolean): string | undefined {
  if (name === "default") return 'context "default" cannot be removed';
  if (!force && !hasContext(env, name)) return `context ${JSON.stringify(name)} does not exist`;
  if (!force && name === current) return `context ${JSON.stringify(name)} is in use, set -f flag to force remove`;
  return undefined;
}

interface Endpoint {
  readonly docker: DockerEndpoint | undefined;
  readonly tls: TlsFiles;
}

function existing(call: Call, name: string): { endpoint: DockerEndpoint | undefined; tls: TlsFiles; description: string | undefined } {
  if (name === "default") return { endpoint: defaultContext(call, call.globals).Endpoints?.docker, tls: {}, description: defaultAbout() };
  const { Endpoints, Metadata } = readContext(call.env, name);
  return { endpoint: Endpoints?.docker, tls: tlsFiles(call.env, name), description: Metadata?.Description };
}

/** What --docker says: `host=...,ca=...`, or `from=CONTEXT`. */
function given(call: Call): Endpoint {
  const wrong = (why: string) => new DockerExit(1, `unable to create docker endpoint config: ${why}`);
  const config = new Map(
    call.flags
      .list("docker")
      .flatMap((text) => text.split(","))
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const),
  );
  const unknown = [...config.keys()].find((key) => !["from", "host", "ca", "cert", "key", "skip-tls-verify"].includes(key));
  if (unknown !== undefined) throw wrong(`unrecognized config key: ${unknown}`);
  const from = config.get("from");
  if (from) {
    const { endpoint, tls } = existing(call, from);
    return { docker: endpoint, tls };
  }
  const skip = config.get("skip-tls-verify") ?? "false";
  const skipsVerify = parseGoBool(skip);
  if (skipsVerify === undefined) throw wrong(`skip-tls-verify: parsing ${JSON.stringify(skip)}: invalid syntax`);
  const tls: Record<string, Buffer> = {};
  for (const [key, file] of [
    ["ca", "ca.pem"],
    ["cert", "cert.pem"],
    ["key", "key.pem"],
  ] as const) {
    const path = config.get(key);
    if (!path) continue;
    try {
      tls[file] = readNamed(resolve(call.cwd, path));
    } catch (error) {
      throw error instanceof DockerExit ? wrong(error.message) : error;
    }
  }
  if (tls["ca.pem"] && !tls["ca.pem"].includes("-----BEGIN CERTIFICATE-----"))
    throw wrong("invalid docker endpoint options: failed to retrieve context tls info: ca.pem seems invalid");
  const host = config.get("host");
  return { docker: { ...(host ? { Host: host } : {}), SkipTLSVerify: skipsVerify }, tls };
}

/** Writes a context, and says so. */
function save(call: Call, o: { name: string; description: string | undefined; endpoint: Endpoint; done: string }): void {
  const { name, description, done } = o;
  const { docker, tls } = o.endpoint;
  const context: ContextFile = {
    Name: name,
    Metadata: description ? { Description: description } : {},
    Endpoints: docker ? { docker } : {},
  };
  writeContext(call.env, context);
  writeTlsFiles(call.env, name, tls);
  call.print(name);
  call.printError(`Successfully ${done} context ${JSON.stringify(name)}`);
}
