import { BerthError } from "../system/index.ts";
import { type ActionsContext, actOn } from "./container-actions.ts";
import { nameOf, ofProject, serviceOf } from "./labels.ts";
import { containerStep, projectContainers, stopContainer } from "./project-context.ts";
import { inReverseOrder } from "./project-order.ts";

/**
 * Stops those containers of the project that use one of these volumes, does the work, and starts them again, also after an error.
 * @throws BerthError volume/in-use where a container of somebody else runs with one of them
 */
export async function whileStopped<T>(o: ActionsContext, volumes: ReadonlySet<string>, work: () => Promise<T>): Promise<T> {
  const { context } = o;
  const { backend, name } = context;
  const uses = (container: { readonly Mounts: readonly { readonly Type: string; readonly Name?: string }[] }) =>
    container.Mounts.some((mount) => mount.Type === "volume" && volumes.has(mount.Name ?? ""));
  const running = backend.containers.list().filter((container) => container.State.Running && uses(container));
  const own = new Set(projectContainers(context).map((container) => container.Id));
  const foreign = running.find((container) => !own.has(container.Id));
  if (foreign) {
    const whose = ofProject([foreign], name).length > 0 ? "a one-off container" : "a container that is not of this project";
    throw new BerthError("volume/in-use", `${nameOf(foreign)}, ${whose}, runs with a volume of ${name}`, { hint: "Stop it first." });
  }
  await inReverseOrder(context, running, async (container) => {
    await context.progress.around(containerStep(container), ["stopping", "stopped"], () => stopContainer(context, container, undefined));
  });
  try {
    return await work();
  } finally {
    const services = [...new Set(running.map(serviceOf))];
    if (services.length > 0) await actOn(o, "start", { services });
  }
}
