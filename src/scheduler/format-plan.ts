import type { Action, Plan } from "./action.ts";

/** The plan as text, an action a line: what, on what, why. */
export function formatPlan({ actions }: Plan): string {
  if (actions.length === 0) return "Nothing to do.\n";
  return actions.map((action) => `${describe(action)}: ${action.because}\n`).join("");
}

function describe(action: Action): string {
  switch (action.kind) {
    case "create-network":
      return `create network ${action.name}`;
    case "recreate-network":
      return `recreate network ${action.name}`;
    case "create-volume":
      return `create volume ${action.name}`;
    case "build":
    case "pull":
      return `${action.kind} the image of ${action.service}`;
    case "recreate":
    case "remove":
      return `${action.kind} ${action.container.name}`;
    case "wait":
      return `wait until ${action.dependency.service} is ${conditionWord[action.dependency.condition]}`;
    default:
      return `${action.kind} ${action.service} #${action.number}`;
  }
}

const conditionWord = {
  service_started: "started",
  service_healthy: "healthy",
  service_completed_successfully: "completed",
} as const;
