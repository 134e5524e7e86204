import type { Service, UpOptions } from "../api/index.ts";
import { BerthError } from "../system/index.ts";
import type { Plan } from "./action.ts";
import { checkBindSources } from "./bind-sources.ts";
import { desiredOf } from "./desired.ts";
import { execute } from "./execute.ts";
import { formatPlan } from "./format-plan.ts";
import { type ImageNeed, imageName, imageNeed } from "./image-need.ts";
import { label } from "./labels.ts";
import { observedOf } from "./observe.ts";
import { atATime } from "./parallel.ts";
import { plan } from "./plan.ts";
import { prepareImages } from "./prepare-images.ts";
import { containerStep, containersOf, type ProjectContext } from "./project-context.ts";
import type { ProjectRecord, Selection } from "./project-record.ts";
import type { Observed } from "./state.ts";
import { UpEffects } from "./up-effects.ts";
import type { Holds } from "./wait-for-dependency.ts";
import { waitForServices } from "./wait-for-services.ts";

export interface UpContext {
  readonly context: ProjectContext;
  readonly record: ProjectRecord;
  readonly selection: Selection;
  readonly options: UpOptions;
  readonly holds: Holds;
  /** Definitions of services by their hash, as far as they are still known: to say what changed. */
  readonly configs: Observed["configs"];
  /** The request makes sense and is begun with: nothing has changed before. */
  readonly accepted?: () => void;
  /** What of a plan is done; all of it where this is not given. */
  readonly only?: (plan: Plan) => Plan;
}

/** How many steps are done at a time where nothing else is asked for; starts have the engine's own bound. */
const concurrency = 8;
/** A plan that is not empty after so many rounds never will be. */
const maxRounds = 5;

/**
 * Brings what is selected to what is desired: images first, then plan after plan until one is empty. The first plan is told with its reasons.
 * @throws the first action's error; what had begun has ended then, and the rest is left for the next request
 */
export async function bringUp(o: UpContext): Promise<void> {
  const { context, options } = o;
  const { signal } = context;
  checkExternal(o);
  checkBindSources([...o.selection.all].flatMap((name) => o.record.services[name]?.definition ?? []));
  const needs = imageNeeds(o);
  const first = planned(o, needs);
  context.progress.tell({
    type: "plan",
    text: formatPlan(first),
    steps: first.actions.map(({ id, kind, because }) => ({ id, action: kind, because })),
  });
  for (const warning of first.warnings) context.progress.warn(warning);
  if (!o.only && !options.dryRun) tellUntouched(o, first);
  if (options.dryRun) return;
  o.accepted?.();
  const hasImageWork = [...needs.values()].some(({ action }) => action !== "none");
  if (hasImageWork) await prepareImages({ ...context, project: o.record.project, ...transferOptions(options) }, needs);
  const effects = new UpEffects({
    context,
    project: o.record.project,
    entries: o.record.services,
    holds: o.holds,
    ...(options.renewAnonVolumes ? { renewAnonVolumes: true } : {}),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });
  const completed = new Set<string>();
  const rest = () => planned(o, undefined, completed);
  for (let round = 0, next = hasImageWork ? rest() : first; next.actions.length > 0; round++, next = rest()) {
    signal.throwIfAborted();
    if (round === maxRounds)
      throw new BerthError("system/internal", `the plan is still not empty after ${maxRounds} rounds:\n${formatPlan(next)}`);
    const outcome = await execute(next, effects, { signal, concurrency: atATime(options.parallel, concurrency) });
    const [failed] = outcome.failed;
    if (failed) throw failed.error;
    for (const action of next.actions)
      if (action.kind === "wait" && action.dependency.condition === "service_completed_successfully") completed.add(action.service);
    signal.throwIfAborted();
  }
  if (options.wait) await waitForServices(context, o.selection.all, o.record.services, options.waitTimeoutMs);
}

const transferOptions = ({ auth, parallel }: UpOptions) => ({ ...(auth ? { auth } : {}), ...(parallel === undefined ? {} : { parallel }) });

/** As Compose does: what runs and stays as it is is told as well. */
function tellUntouched({ context, selection }: UpContext, { actions }: Plan): void {
  const touched = new Set(actions.flatMap((action) => ("container" in action ? [action.container.id] : [])));
  const numbered = new Set(actions.flatMap((action) => ("number" in action ? [`${action.service} ${action.number}`] : [])));
  for (const name of selection.all)
    for (const container of containersOf(context, name))
      if (container.State.Running && !touched.has(container.Id) && !numbered.has(`${name} ${container.Config.Labels?.[label.number]}`))
        context.progress.done(containerStep(container), "running");
}

function planned(o: UpContext, needs?: ReadonlyMap<string, ImageNeed>, completed?: ReadonlySet<string>): Plan {
  const { backend, name } = o.context;
  const desired = desiredOf({
    record: o.record,
    selection: o.selection,
    options: o.options,
    hashes: backend,
    imageId: (service) => {
      const need = needs?.get(service.name)?.action ?? "none";
      return need === "none" ? backend.images.resolve(imageName(o.record.project, service))?.id : undefined;
    },
    imageNeed: (service) => needs?.get(service.name) ?? { action: "none" },
  });
  const { containers, networks, volumes } = backend;
  const observed = observedOf({
    project: name,
    containers: containers.list(),
    networks: networks.list(),
    volumes: volumes.list(),
    configs: o.configs,
  });
  const whole = plan(completed ? { ...desired, completed } : desired, observed);
  return o.only ? o.only(whole) : whole;
}

function imageNeeds(o: UpContext): Map<string, ImageNeed> {
  const { backend } = o.context;
  const isPresent = (service: Service, name: string): boolean => {
    try {
      return backend.images.resolve(name) !== undefined;
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      const place = { kind: "service", name: service.name } as const;
      throw new BerthError(error.code, `service ${service.name}: image: ${error.message}`, { place, cause: error });
    }
  };
  const needOf = (service: Service): ImageNeed => {
    const name = imageName(o.record.project, service);
    return imageNeed(o.record.project, service, o.options, {
      present: isPresent(service, name),
      pulledMs: backend.images.pulledMs(name),
      nowMs: backend.nowMs(),
    });
  };
  return new Map(
    [...o.selection.all].flatMap((name) => {
      const entry = o.record.services[name];
      return entry && entry.replicas > 0 ? [[name, needOf(entry.definition)] as const] : [];
    }),
  );
}

/** External networks and volumes have to be there before anything is done. */
function checkExternal({ context, record, selection }: UpContext): void {
  const { networks, volumes } = record.project;
  const services = [...selection.all].flatMap((name) => record.services[name]?.definition ?? []);
  const known = new Set(context.backend.networks.list().map((network) => network.Name));
  for (const service of services) {
    for (const key of service.network_mode ? [] : Object.keys(service.networks ?? {})) {
      const network = networks[key];
      if (network?.external && !known.has(network.name) && !["bridge", "host", "none"].includes(network.name))
        throw new BerthError("network/not-found", `network ${network.name} declared as external, but could not be found`, {
          place: { kind: "service", name: service.name },
          hint: `Create it: \`berth docker network create ${network.name}\`.`,
        });
    }
    for (const mount of service.volumes ?? []) {
      const volume = mount.type === "volume" && mount.source ? volumes[mount.source] : undefined;
      if (volume?.external && !context.backend.volumes.list().some((one) => one.Name === volume.name))
        throw new BerthError("volume/not-found", `external volume "${volume.name}" not found`, {
          place: { kind: "service", name: service.name },
          hint: `Create it: \`berth docker volume create ${volume.name}\`.`,
        });
    }
  }
}
