import { BerthError } from "../system/error.ts";
import type { EngineClient } from "./client/index.ts";
import type { Invocation } from "./invocation.ts";
import { type ContainerRow, numberOf, projectContainers } from "./project-containers.ts";
import { projectName } from "./project-name.ts";

/**
 * The running container of a service that a command reaches into: the one with this index, or the first.
 * @throws BerthError cli/no-such-service, cli/no-such-container
 */
export async function serviceContainer(cli: Invocation, client: EngineClient, service: string, index?: number): Promise<ContainerRow> {
  const rows = await projectContainers(client, {
    project: projectName(cli),
    all: true,
    oneOff: false,
    services: [service],
    signal: cli.signal,
  });
  const wanted = rows.filter((row) => index === undefined || numberOf(row) === index).sort((a, b) => numberOf(a) - numberOf(b));
  const running = wanted.find((row) => row.State === "running" || row.State === "paused");
  if (running) return running;
  const which = index === undefined ? "" : ` with index ${index}`;
  throw new BerthError("cli/no-such-container", `service "${service}" is not running${which ? `: there is no container${which}` : ""}`, {
    hint: "`berth ps -a` shows its containers.",
  });
}
