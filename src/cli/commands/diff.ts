import type { Project, ProjectDefinition, Service } from "../../api/index.ts";
import { BerthError } from "../../system/error.ts";
import { differenceLine, differences } from "../definition-diff.ts";
import type { Invocation } from "../invocation.ts";
import { projectEvents } from "../project-change.ts";
import { loadedProject } from "../project-source.ts";
import { paint } from "../render/paint.ts";
import { requireServices } from "../service-names.ts";
import { projectPut } from "./up.ts";

/** `berth diff`: what the files say otherwise than what the engine keeps up, value by value; and what `up` would do. */
export async function diff(cli: Invocation, services: readonly string[], flags: { readonly exitCode?: boolean }): Promise<number> {
  const project = await loadedProject(cli, services);
  requireServices(project, services);
  const client = await cli.engine();
  const path = `/projects/${encodeURIComponent(project.name)}/definition`;
  const running = await client.json<ProjectDefinition>("GET", path, { signal: cli.signal }).catch((error: unknown) => {
    if (error instanceof BerthError && error.code === "project/not-found") return undefined;
    throw error;
  });
  const lines = definitionLines(project, running, services, paint(cli.color));
  for (const line of lines) cli.print(line);
  const plan = await planText(cli, project, services);
  if (plan !== "") cli.print(`${lines.length > 0 ? "\n" : ""}\`berth up\` would:\n${plan.trimEnd().replaceAll(/^/gm, "  ")}`);
  if (lines.length === 0 && plan === "") cli.print("What runs is what the files say.");
  return flags.exitCode && (lines.length > 0 || plan !== "") ? 1 : 0;
}

function definitionLines(
  project: Project,
  running: ProjectDefinition | undefined,
  services: readonly string[],
  color: ReturnType<typeof paint>,
): string[] {
  const known = running?.services ?? {};
  const names = [...new Set([...Object.keys(known), ...Object.keys(project.services)])].sort();
  const wanted = names.filter((name) => services.length === 0 || services.includes(name));
  const serviceLines = wanted.flatMap((name) => {
    const [before, after] = [known[name]?.definition, project.services[name]];
    if (!before) return [color.green(`+ ${name}: not up yet`)];
    if (!after) return [color.red(`- ${name}: not in the files any more`)];
    const found = differences(compared(before), compared(after));
    return found.length > 0 ? [`${name}:`, ...found.map((one) => `  ${differenceLine(one)}`)] : [];
  });
  if (!running || services.length > 0) return serviceLines;
  const rest = (["networks", "volumes", "configs"] as const).flatMap((key) =>
    differences(running.project[key], project[key], key).map(differenceLine),
  );
  return [...serviceLines, ...rest];
}

/** Without what is in it only because of who loaded it. */
const compared = ({ extensions: _, ...service }: Service): object => service;

async function planText(cli: Invocation, project: Project, services: readonly string[]): Promise<string> {
  const { options } = await projectPut(cli, project, services, {});
  const body = { project, options: { ...options, dryRun: true } };
  for await (const event of projectEvents(await cli.engine(), { method: "PUT", project: project.name, body }, cli.signal))
    if (event.type === "plan") return event.steps.length > 0 ? event.text : "";
  return "";
}
