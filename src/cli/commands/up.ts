import type { Project, ProjectPut, UpOptions } from "../../api/index.ts";
import { BerthError } from "../../system/error.ts";
import { type AttachFlags, attachedServices, withDependencies } from "../attached/attached-services.ts";
import { type Invocation, usageError } from "../invocation.ts";
import { changeProject } from "../project-change.ts";
import { loadedProject } from "../project-source.ts";
import { registryAuth } from "../registry-auth.ts";
import { requireServices } from "../service-names.ts";

export interface CreateFlags {
  readonly alwaysRecreateDeps?: boolean;
  /** true: --build, false: --no-build. */
  readonly build?: boolean;
  readonly deps?: boolean;
  readonly forceRecreate?: boolean;
  /** false: --no-recreate. */
  readonly recreate?: boolean;
  readonly pull?: "always" | "missing" | "never" | "build" | "policy";
  readonly quietPull?: boolean;
  readonly quietBuild?: boolean;
  readonly removeOrphans?: boolean;
  readonly renewAnonVolumes?: boolean;
  readonly scale?: Readonly<Record<string, number>>;
  /** Seconds. */
  readonly timeout?: number;
}

export interface UpFlags extends CreateFlags, AttachFlags {
  readonly abortOnContainerExit?: boolean;
  readonly abortOnContainerFailure?: boolean;
  readonly color: boolean;
  readonly detach?: boolean;
  readonly exitCodeFrom?: string;
  readonly logPrefix: boolean;
  readonly menu?: boolean;
  /** false: --no-start. */
  readonly start: boolean;
  readonly timestamps?: boolean;
  readonly wait?: boolean;
  /** Seconds. */
  readonly waitTimeout?: number;
  readonly watch?: boolean;
}

/** `berth up`: makes what runs be what the files ask for, and shows its output until it ends, unless it is detached. */
export async function up(cli: Invocation, services: readonly string[], flags: UpFlags): Promise<number> {
  checkCombination(flags);
  const project = await loadedProject(cli, services);
  requireServices(project, services);
  requireServices(project, Object.keys(flags.scale ?? {}));
  if (Object.keys(project.services).length === 0) throw new BerthError("cli/no-such-service", "no service selected");
  if (flags.exitCodeFrom !== undefined) {
    requireServices(project, [flags.exitCodeFrom]);
    if (!withDependencies(project, services).includes(flags.exitCodeFrom))
      throw usageError(`no such service: ${flags.exitCodeFrom}`, `This \`up\` is about ${services.join(", ")} and what they depend on.`);
  }
  const put = await projectPut(cli, project, services, flags);
  const detached = flags.detach || flags.wait || !flags.start || cli.globals.dryRun;
  if (detached) {
    await changeProject(cli, { method: "PUT", project: project.name, body: put }, flags);
    return 0;
  }
  const { AttachedSession } = await import("../attached/attached-session.ts");
  const session = new AttachedSession(cli, await cli.engine(), put, {
    attached: attachedServices(project, services, flags),
    withPrefix: flags.logPrefix,
    color: cli.color && flags.color,
    timestamps: flags.timestamps === true,
    menu: flags.menu ?? !["0", "false"].includes(cli.env["COMPOSE_MENU"] ?? ""),
    abortOn: flags.abortOnContainerFailure ? "failure" : flags.abortOnContainerExit || flags.exitCodeFrom ? "exit" : "nothing",
    exitCodeFrom: flags.exitCodeFrom,
    timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
    ...(flags.quietPull ? { quietPull: true } : {}),
    ...(flags.quietBuild ? { quietBuild: true } : {}),
  });
  const interrupt = () => session.interrupt();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, interrupt);
  return session.run();
}

/** The request that these flags mean. */
export async function projectPut(
  cli: Invocation,
  project: Project,
  services: readonly string[],
  flags: CreateFlags & Partial<Pick<UpFlags, "start" | "wait" | "waitTimeout" | "watch">>,
): Promise<ProjectPut> {
  const auth = await registryAuth(cli, project);
  const options: UpOptions = {
    services: [...services],
    recreate: flags.forceRecreate ? "always" : flags.recreate === false ? "never" : "changed",
    build: flags.build === undefined ? "missing" : flags.build ? "always" : "never",
    pull: flags.pull ?? "policy",
    ...(flags.deps === false ? { noDeps: true } : {}),
    ...(flags.start === false ? { noStart: true } : {}),
    ...(flags.alwaysRecreateDeps ? { alwaysRecreateDeps: true } : {}),
    ...(flags.renewAnonVolumes ? { renewAnonVolumes: true } : {}),
    ...(flags.scale ? { scale: { ...flags.scale } } : {}),
    ...(flags.removeOrphans || cli.env["COMPOSE_REMOVE_ORPHANS"] === "1" || cli.env["COMPOSE_REMOVE_ORPHANS"] === "true"
      ? { removeOrphans: true }
      : {}),
    ...(flags.wait ? { wait: true } : {}),
    ...(flags.waitTimeout ? { waitTimeoutMs: flags.waitTimeout * 1000 } : {}),
    ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
    ...(cli.globals.dryRun ? { dryRun: true } : {}),
    ...(flags.watch ? { watch: true } : {}),
    ...(cli.globals.parallel === undefined ? {} : { parallel: cli.globals.parallel }),
    ...(Object.keys(auth).length > 0 ? { auth } : {}),
  };
  return { project, options };
}

/** What Compose refuses to combine (cmd/compose/up.go, validateFlags). */
function checkCombination(flags: UpFlags): void {
  const attachedOnly: [boolean | undefined, string][] = [
    [flags.abortOnContainerExit, "--abort-on-container-exit"],
    [flags.abortOnContainerFailure, "--abort-on-container-failure"],
    [flags.exitCodeFrom !== undefined, "--exit-code-from"],
    [flags.attachDependencies, "--attach-dependencies"],
    [flags.attach !== undefined, "--attach"],
  ];
  const detaching = flags.detach ? "--detach" : flags.wait ? "--wait" : undefined;
  const [, attached] = attachedOnly.find(([given]) => given) ?? [];
  if (detaching && attached) throw usageError(`${detaching} and ${attached} are incompatible`, "One shows the output, the other does not.");
  if (flags.abortOnContainerExit && flags.abortOnContainerFailure)
    throw usageError("--abort-on-container-exit and --abort-on-container-failure are incompatible");
  if (flags.attach && flags.attachDependencies) throw usageError("--attach and --attach-dependencies are incompatible");
  if (flags.forceRecreate && flags.recreate === false) throw usageError("--force-recreate and --no-recreate are incompatible");
  if (flags.alwaysRecreateDeps && flags.recreate === false) throw usageError("--always-recreate-deps and --no-recreate are incompatible");
  if (flags.waitTimeout !== undefined && !flags.wait) throw usageError("--wait-timeout has no meaning without --wait");
}
