import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { Container } from "../../api/index.ts";
import { BerthError } from "../../system/index.ts";

/**
 * What Docker finds wrong with a container only when it is started, in its words: the container is there then, "created", with this as its error.
 * @throws BerthError runtime/start-failed
 */
export function checkStart(record: Container): void {
  const { HostConfig: hc, Config: config } = record;
  for (const { Driver: driver = "", Capabilities: capabilities } of hc.DeviceRequests ?? [])
    throw refusal(
      `could not select device driver "${driver}" with capabilities: [${(capabilities ?? []).map((all) => `[${all.join(" ")}]`).join(" ")}]`,
      "Berth has no device driver for it; devices of /dev can be given with `devices`.",
    );
  for (const rule of hc.DeviceCgroupRules ?? [])
    if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(rule)) throw refusal(`invalid device cgroup rule format: '${rule}'`);
  for (const address of hc.Dns ?? []) {
    const fault = isIP(address) === 0 ? addressFault(address) : undefined;
    if (fault) throw refusal(`bad nameserver address ${address}: ParseAddr("${address}"): ${fault}`);
  }
  if (hc.UTSMode === "host" && config.Domainname)
    throw refusal(
      'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: sysctl "kernel.domainname" is not in a separate kernel namespace',
    );
  for (const { Type, Source, Propagation } of record.Mounts) if (Type === "bind") checkPropagation(Source, Propagation);
}

/** Why Go's netip has it for no address. */
function addressFault(text: string): string {
  const parts = text.split(".");
  const isNumbers = parts.every((part) => /^\d+$/.test(part));
  if (isNumbers && parts.length < 4 && parts.length > 1) return "IPv4 address too short";
  if (isNumbers && parts.length > 4) return "IPv4 address too long";
  if (isNumbers && parts.some((part) => Number(part) > 255)) return "IPv4 field has value >255";
  const rest = /^[\d.]*\d([^\d.].*)$/s.exec(text)?.[1];
  return parts.length > 1 && rest ? `unexpected character (at "${rest}")` : "unable to parse IP";
}

/** A mount can be handed on only from where it is shared. */
function checkPropagation(source: string, propagation: string): void {
  const kind = propagation.replace(/^r/, "");
  if (kind !== "shared" && kind !== "slave") return;
  const { at, tags } = mountOf(source);
  const isShared = tags.some((tag) => tag.startsWith("shared:"));
  if (isShared || (kind === "slave" && tags.some((tag) => tag.startsWith("master:")))) return;
  throw refusal(`path ${source} is mounted on ${at} but it is not a ${kind === "slave" ? "shared or slave" : "shared"} mount`);
}

/** The mount that a path is on, with its optional fields (proc_pid_mountinfo(5)). */
function mountOf(path: string): { at: string; tags: string[] } {
  let best = { at: "", tags: [] as string[] };
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [, , , , at = "", , ...rest] = line.split(" ");
    const isAbove = at === "/" || path === at || path.startsWith(`${at}/`);
    // Of several at one place the last one is seen.
    if (at !== "" && isAbove && at.length >= best.at.length) best = { at, tags: rest.slice(0, rest.indexOf("-")) };
  }
  return best;
}

function refusal(message: string, hint?: string): BerthError {
  return new BerthError("runtime/start-failed", message, hint ? { hint } : {});
}
