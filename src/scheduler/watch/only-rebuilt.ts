import type { Plan } from "../action.ts";

/** Of a plan only what puts new containers in the place of rebuilt services', and the restarts that others asked for after that. All else is untouched. */
export function onlyRebuilt(plan: Plan, rebuilt: ReadonlySet<string>): Plan {
  const kept = plan.actions.filter(
    (action) =>
      (action.kind === "recreate" && rebuilt.has(action.service)) ||
      (action.kind === "start" && rebuilt.has(action.service)) ||
      action.kind === "restart" ||
      (action.kind === "wait" && rebuilt.has(action.service)),
  );
  const ids = new Set(kept.map((action) => action.id));
  return { actions: kept.map((action) => ({ ...action, after: action.after.filter((id) => ids.has(id)) })), warnings: [] };
}
