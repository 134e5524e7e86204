import type { RunRequest } from "../api/index.ts";
import type { Plan } from "./action.ts";
import { dependenciesOf } from "./dependencies.ts";
import { knownConfigs } from "./desired.ts";
import { execute } from "./execute.ts";
import { createOneOff } from "./one-off.ts";
import type { ProjectContext } from "./project-context.ts";
import { afterUp, type ProjectRecord, selectServices, withServices } from "./project-record.ts";
import { bringUp } from "./up.ts";
import { UpEffects } from "./up-effects.ts";
import type { Holds } from "./wait-for-dependency.ts";

/** Brings up what a service depends on, then makes a container of its own for a `run`. Answers its id; the caller starts it. Nothing of it is desired state. */
export async function runOneOff(
  context: ProjectContext,
  request: RunRequest,
  o: { previous: ProjectRecord | undefined; holds: Holds },
): Promise<string> {
  const { project, service, noDeps, build, pull } = request;
  const selection = selectServices(project, { services: [service], ...(noDeps ? { noDeps } : {}) });
  const options = {
    recreate: "never" as const,
    ...(build ? { build: "always" as const } : {}),
    ...(pull ? { pull } : {}),
    ...(request.removeOrphans ? { removeOrphans: true } : {}),
    ...(request.parallel === undefined ? {} : { parallel: request.parallel }),
    ...(request.auth ? { auth: request.auth } : {}),
  };
  const asked = afterUp(undefined, { project, options, selection, nowMs: context.backend.nowMs() });
  // Its own containers are none of this request's business: of the service only the image is needed, and its networks and volumes.
  const record = withServices(asked, [service], (entry) => ({ ...entry, start: false }));
  const only = (plan: Plan): Plan => ({ ...plan, actions: plan.actions.filter((action) => action.service !== service) });
  const configs = knownConfigs(context.backend, o.previous);
  await bringUp({ context, record, selection, options, holds: o.holds, configs, only });
  if (!noDeps) await waitForDependencies(context, record, service, o.holds);
  return createOneOff(context, project, request);
}

async function waitForDependencies(
  context: ProjectContext,
  { project, services }: ProjectRecord,
  name: string,
  holds: Holds,
): Promise<void> {
  const definition = project.services[name];
  const dependencies = definition ? dependenciesOf(definition).filter(({ service }) => services[service]) : [];
  const actions = dependencies.map((dependency) => ({
    kind: "wait" as const,
    id: `Wait for ${dependency.service}`,
    service: dependency.service,
    dependency,
    because: `${name} depends on it`,
    after: [],
  }));
  const effects = new UpEffects({ context, project, entries: services, holds });
  const outcome = await execute({ actions, warnings: [] }, effects, { signal: context.signal, concurrency: actions.length });
  if (outcome.failed[0]) throw outcome.failed[0].error;
}
