import type { ServiceHook } from "../../api/index.ts";
import { relevantPath } from "./rule-match.ts";
import { copies, type WatchedRule } from "./watched-rule.ts";

/** A path of the source that has to become the same below the target. What it is by now, or that it is gone, is looked at when it is copied. */
export interface Copy {
  readonly from: string;
  /** Relative to the target; "" is the target itself. */
  readonly to: string;
}

export interface ServiceSync {
  readonly target: string;
  readonly isFile: boolean;
  readonly copies: readonly Copy[];
}

/** What one batch of changes asks of one service. */
export type ServiceWork =
  | { readonly service: string; readonly kind: "rebuild"; readonly paths: readonly string[] }
  | {
      readonly service: string;
      readonly kind: "update";
      readonly paths: readonly string[];
      readonly syncs: readonly ServiceSync[];
      /** Once, after everything was copied. */
      readonly restart: boolean;
      /** Each once, in the order of the rules; not where the service is restarted by a rule as well: they run in the restarted container. */
      readonly execs: readonly ServiceHook[];
    };

/**
 * What has to be done after these paths changed: at most one work a service, in the order of the rules. A rebuild takes the place of everything else
 * that the service's rules ask for, because the new image has the files; one batch is one restart, however many files and rules it touched.
 */
export function watchPlan(rules: readonly WatchedRule[], changed: readonly string[]): readonly ServiceWork[] {
  const services = [...new Set(rules.map((rule) => rule.service))];
  return services.flatMap((service) => {
    const work = serviceWork(
      service,
      rules.filter((rule) => rule.service === service),
      changed,
    );
    return work ? [work] : [];
  });
}

function serviceWork(service: string, rules: readonly WatchedRule[], changed: readonly string[]): ServiceWork | undefined {
  const touched = rules
    .map((rule) => ({ rule, copies: changed.flatMap((path) => copyOf(rule, path)) }))
    .filter((match) => match.copies.length > 0);
  if (touched.length === 0) return undefined;
  const seen = new Set(touched.flatMap((match) => match.copies.map((copy) => copy.from)));
  const paths = changed.filter((path) => seen.has(path));
  if (touched.some(({ rule }) => rule.action === "rebuild")) return { service, kind: "rebuild", paths };
  const syncs = touched.flatMap(({ rule, copies: list }) =>
    copies(rule.action) && rule.target !== undefined ? [{ target: rule.target, isFile: rule.isFile, copies: list }] : [],
  );
  return {
    service,
    kind: "update",
    paths,
    syncs,
    restart: touched.some(({ rule }) => rule.action === "restart" || rule.action === "sync+restart"),
    execs: touched.flatMap(({ rule }) => (rule.action === "sync+exec" && rule.exec ? [rule.exec] : [])),
  };
}

function copyOf(rule: WatchedRule, path: string): Copy[] {
  const to = relevantPath(rule, path);
  return to === undefined ? [] : [{ from: path, to }];
}
