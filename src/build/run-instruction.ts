import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BerthError } from "../system/index.ts";
import { layerStep } from "./cached-step.ts";
import type { InstructionOf } from "./dockerfile/instruction.ts";
import { keepFailedStep } from "./failed-step.ts";
import { userOf } from "./filesystem/accounts.ts";
import { resolvePath } from "./filesystem/resolve-path.ts";
import { WritableRoot } from "./filesystem/writable-root.ts";
import { argv, type ExpandText } from "./metadata-instructions.ts";
import type { Vertex } from "./progress.ts";
import { type FindTree, hadEntries, isEmptyEntry, parentsAndSelf, prepareMounts } from "./run-mounts.ts";
import type { Session } from "./session.ts";
import { defaultPath, type StageState, splitPair, stepKey } from "./stage-state.ts";
import type { StepMount } from "./step-runner.ts";

const proxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
/** What the runtime mounts into every step. */
const standardTargets = ["/etc/hosts", "/etc/resolv.conf", "/etc/hostname"];

/** RUN: one process in the stage's file system; what it changed becomes a layer. */
export async function runStep(
  session: Session,
  vertex: Vertex,
  state: StageState,
  instruction: InstructionOf<"RUN">,
  o: { text: ExpandText; findTree: FindTree; useCache: boolean; place: { file: string; line: number } },
): Promise<StageState> {
  const { request } = session;
  const network = checkNetwork(session, instruction);
  const { args, script } = command(instruction, state);
  const prepared = await prepareMounts(session, state, instruction.mounts, o.text, o.findTree);
  const env = environment(state);
  const cwd = state.config.WorkingDir || "/";
  const user = state.config.User ?? "";
  const key = stepKey([
    "run",
    state.layers.at(-1)?.chainId ?? "",
    args,
    script ?? "",
    [...env].sort(),
    cwd,
    user,
    network,
    prepared.key,
    session.epochIso ?? "",
  ]);
  // An ENV of the same name that came later decides what the step sees.
  const shownArgs = [...state.args].map(([name, value]) => `${name}=${state.scope.get(name) ?? value}`);
  const createdBy = `RUN ${shownArgs.length > 0 ? `|${shownArgs.length} ${shownArgs.join(" ")} ` : ""}${args.join(" ")} # buildkit`;
  // Either spelling gives both, as programs read one or the other.
  const proxies = proxyNames.flatMap((name) => {
    const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
    const value = request.args[name] ?? request.args[other] ?? undefined;
    return value === undefined || state.scope.has(name) ? [] : [`${name}=${value}`];
  });
  return await layerStep(
    session,
    vertex,
    state,
    { key, createdBy, useCache: o.useCache },
    async ({ upperDir, workDir, signal, onOutput }) => {
      const root = new WritableRoot(state.lowerDirs, upperDir);
      const temporary = join(workDir, "..", "m");
      mkdirSync(temporary, { mode: 0o755 });
      const { mounts, env: mountEnv } = await prepared.realise(temporary, root);
      if (script !== undefined) mounts.push(scriptMount(temporary, script.name, script.content));
      const targets = [...standardTargets, ...mounts.map((mount) => mount.target)];
      const before = hadEntries(root, targets);
      makeParents(
        root,
        mounts.map((mount) => mount.target),
      );
      const home = state.scope.has("HOME") ? [] : [`HOME=${userOf(user, root).home}`];
      const decoder = { 1: new TextDecoder(), 2: new TextDecoder() };
      const { exitCode } = await session.mountLocks.hold(prepared.exclusive, () =>
        session.limit(() =>
          session.runner.run({
            lowerDirs: [...state.lowerDirs],
            upperDir,
            workDir,
            args,
            env: [...env, ...proxies, ...home, ...mountEnv],
            cwd,
            user,
            mounts,
            network,
            ...(request.extraHosts ? { extraHosts: request.extraHosts } : {}),
            ...(request.hostname === undefined ? {} : { hostname: request.hostname }),
            ...(request.shmSize === undefined ? {} : { shmSize: request.shmSize }),
            ...(request.cgroupParent === undefined ? {} : { cgroupParent: request.cgroupParent }),
            ...(request.ulimits ? { ulimits: request.ulimits } : {}),
            ...(request.resources ? { resources: request.resources } : {}),
            signal,
            onOutput: (stream, chunk) => onOutput(stream, decoder[stream].decode(chunk, { stream: true })),
          }),
        ),
      );
      removeMountPoints(root, targets, before);
      if (exitCode === 0) return;
      const image = await keepFailedStep(session, state, upperDir, o.place);
      throw new BerthError(
        "build/step-failed",
        `process ${JSON.stringify(args.join(" "))} did not complete successfully: exit code: ${exitCode}`,
        {
          place: o.place,
          hint: `The whole output is in ${session.progress.logFile}. Its file system is kept: berth docker run -it --rm ${image} opens a shell in it.`,
        },
      );
    },
  );
}

/** The network of a RUN. @throws BerthError where it, or more rights, need an entitlement that the build does not have */
export function checkNetwork({ request }: Session, instruction: InstructionOf<"RUN">): string {
  if (instruction.security === "insecure") throw new BerthError("build/unsupported", "RUN --security=insecure is not supported");
  if (instruction.network === "host" && request.network !== "host" && !request.entitlements?.includes("network.host"))
    throw new BerthError("build/not-allowed", "network.host is not allowed", {
      hint: "Allow it with `--allow network.host`, or `entitlements: [network.host]` of the service's build.",
    });
  return instruction.network ?? request.network ?? "default";
}

/** The argument vector, and the script file where a heredoc starts with `#!`. */
function command(instruction: InstructionOf<"RUN">, state: StageState): { args: string[]; script?: { name: string; content: string } } {
  const [heredoc] = instruction.heredocs;
  if (!heredoc || !("shell" in instruction.command)) return { args: argv(instruction.command, state) };
  const shell = state.config.Shell ?? ["/bin/sh", "-c"];
  if (/^\d*<<-?\S+$/.test(instruction.command.shell.trim()) && instruction.heredocs.length === 1) {
    if (heredoc.content.startsWith("#!")) return { args: [...shell, `/dev/pipes/${heredoc.name}`], script: heredoc };
    return { args: [...shell, heredoc.content] };
  }
  // The shell itself reads and expands the heredocs.
  const bodies = instruction.heredocs.map((each) => `${each.raw}${each.name}`).join("\n");
  return { args: [...shell, `${instruction.command.shell}\n${bodies}`] };
}

function scriptMount(temporary: string, name: string, content: string): StepMount {
  const source = join(temporary, "script");
  writeFileSync(source, content);
  chmodSync(source, 0o755);
  return { type: "bind", source, target: `/dev/pipes/${name}`, readOnly: true };
}

function environment(state: StageState): string[] {
  const env = [...state.scope].map(([name, value]) => `${name}=${value}`);
  return state.scope.has("PATH") ? env : [`PATH=${splitPair(defaultPath)[1]}`, ...env];
}

/** The directories above mount points, which the low-level runtime would make with a mode of its own. */
function makeParents(root: WritableRoot, targets: readonly string[]): void {
  for (const target of targets) {
    const parent = parentsAndSelf(target).at(-2);
    // Below these the runtime has mounts of its own: nothing of the layer is seen there.
    if (parent === undefined || /^\/(dev|proc|sys)(\/|$)/.test(parent)) continue;
    const path = resolvePath(root, parent);
    if (root.entry(path) === undefined) root.makeDirectory(path, { mode: 0o755, owner: { uid: 0, gid: 0 } });
  }
}

/** Takes away what the runtime made to mount on, and the directories above it that only hold that. */
function removeMountPoints(root: WritableRoot, targets: readonly string[], before: ReadonlySet<string>): void {
  for (const target of targets) {
    for (const path of parentsAndSelf(target).reverse()) {
      if (before.has(path)) break;
      const hostPath = root.hostPath(resolvePath(root, path, true));
      if (!isEmptyEntry(hostPath)) break;
      rmSync(hostPath, { recursive: true, force: true });
    }
  }
}
