import type { Invocation } from "../invocation.ts";
import { nameOf } from "../project-containers.ts";
import { serviceContainer } from "../service-container.ts";

export interface CommitFlags {
  readonly author?: string;
  readonly change?: readonly string[];
  readonly index?: number;
  readonly message?: string;
  readonly pause: boolean;
}

/** `berth commit`: an image of what a service's container has become. */
export async function commit(cli: Invocation, args: readonly string[], flags: CommitFlags): Promise<void> {
  const [service = "", reference] = args;
  const client = await cli.engine();
  const row = await serviceContainer(cli, client, service, flags.index);
  const name = nameOf(row);
  if (cli.globals.dryRun) {
    cli.print(`would commit ${name}${reference ? ` to ${reference}` : ""}`);
    return;
  }
  cli.stderr.write(` ${name} Commit ${name} Committing\n`);
  const query = {
    container: row.Id,
    ...repositoryAndTag(reference),
    author: flags.author,
    comment: flags.message,
    changes: flags.change?.join("\n"),
    pause: flags.pause,
  };
  const { Id } = await client.json<{ Id: string }>("POST", "/commit", { query, body: {}, signal: cli.signal });
  cli.stderr.write(` ${name} Commit ${name} Committed as ${Id}\n`);
}

function repositoryAndTag(reference: string | undefined): { repo?: string; tag?: string } {
  if (reference === undefined) return {};
  const at = reference.lastIndexOf(":");
  if (at < 0 || reference.slice(at).includes("/")) return { repo: reference };
  return { repo: reference.slice(0, at), tag: reference.slice(at + 1) };
}
